#![doc = include_str!("../README.md")]

mod avro;
mod codec;
mod event;
pub mod headers;
mod limits;
mod timestamp;
pub mod topics;

pub use codec::{DecodeError, Decoder, EncodeError, Encoder, SchemaError, SchemaId};
pub use event::{CacheLevel, ComputeCompleted, ComputeRequested, Event, Outcome};
pub use limits::DecodeLimits;
pub use timestamp::Timestamp;
pub use topics::Topics;
