//! Everything in Abacus that speaks to Kafka: client settings, a producer for low latency, a reader
//! of one fixed partition, a consumer group whose offsets live elsewhere, exactly-once
//! consume-transform-produce, and for tools a scan of a topic and a transaction.
//!
//! This crate moves bytes, keys, headers and offsets and knows no event type. It is the only one
//! that names rdkafka. Each client runs on an OS thread of its own: librdkafka's calls block, so
//! they have no place on an async runtime.

pub mod admin;
mod availability;
mod batch_reader;
mod config;
mod context;
mod error;
pub mod failpoint;
mod group_protocol;
mod partition_reader;
mod partitioner;
mod producer;
mod record;
mod redelivery;
mod scan;
pub mod stream;
mod tracker;
mod transaction;
mod watermarks;

pub use availability::Availability;
pub use batch_reader::{BatchReader, BatchSettings, StartOffsets};
pub use config::KafkaConfig;
pub use error::{Error, SendError};
pub use partition_reader::PartitionReader;
pub use partitioner::StickyPartitioner;
pub use producer::{Delivery, Duplicates, Outgoing, Producer, ProducerSettings};
pub use record::{
    Header, InboundRecord, OutboundRecord, OwnedRecord, RecordHeaders, TopicPartition,
    UnreadableHeaders,
};
pub use redelivery::{PersistentProducer, Redelivery};
pub use scan::{ScanStart, TopicScan, read_record};
pub use transaction::{Progress, TransactionWriter, Undone, progress};
