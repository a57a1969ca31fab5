#![doc = include_str!("../README.md")]

mod avro;
mod codec;
mod content;
mod event;
pub mod headers;
mod limits;
mod signature;
mod timestamp;
pub mod topics;

pub use codec::{DecodeError, Decoder, EncodeError, Encoder, SchemaError, SchemaId};
pub use content::ContentDigest;
pub use event::{CacheLevel, ComputeCompleted, ComputeRequested, Event, Outcome};
pub use limits::DecodeLimits;
pub use signature::{InvalidRecordKeys, RecordKeys, SIGNATURE_BYTES};
pub use timestamp::Timestamp;
pub use topics::Topics;
