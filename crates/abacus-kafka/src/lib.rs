#![doc = include_str!("../README.md")]

pub mod admin;
mod availability;
mod batch_reader;
mod config;
mod context;
mod error;
pub mod failpoint;
mod fencing;
mod group_protocol;
mod log_limits;
mod lost_connections;
mod membership;
mod partition_reader;
mod partitioner;
mod producer;
mod record;
mod redelivery;
mod scan;
pub mod stream;
mod tracker;
mod transaction;
mod unreadable;
mod watermarks;

pub use availability::Availability;
pub use batch_reader::{BatchReader, BatchSettings, StartOffsets};
pub use config::KafkaConfig;
pub use error::{Error, SendError};
pub use partition_reader::PartitionReader;
pub use partitioner::StickyPartitioner;
pub use producer::{Delivery, Duplicates, Outgoing, Producer, ProducerSettings};
pub use record::{
    Header, InboundRecord, OutboundRecord, OwnedRecord, RecordHeaders, RecordTime, TopicPartition,
    UnreadableHeaders,
};
pub use redelivery::{PersistentProducer, Redelivery};
pub use scan::{ScanStart, TopicScan, read_record};
pub use transaction::{Progress, TransactionError, TransactionWriter, progress};
pub use unreadable::{ReadMetrics, ReadMonitor, UnreadableBatch};
