//! The event contract of Abacus: the Avro schemas, their Rust types, the codec in the Confluent
//! wire format, topic names and Kafka headers.
//!
//! **Invariant:** nothing here does I/O or depends on another crate of the workspace. The services
//! never depend on each other; they meet in this crate and on the topics it names.

mod codec;
mod event;
pub mod headers;
mod timestamp;
pub mod topics;

pub use codec::{DecodeError, Decoder, EncodeError, Encoder, SchemaError, SchemaId};
pub use event::{CacheLevel, ComputeCompleted, ComputeRequested, Event, Outcome};
pub use timestamp::Timestamp;
pub use topics::Topics;
