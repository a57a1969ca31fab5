//! Consume-transform-produce over Kafka, exactly once or at least once. Records of one partition are
//! processed in parallel and committed in offset order.
//!
//! A [`Source`] polls a consumer group and passes each record to a [`Handler`], with an
//! [`AckHandle`]. The handler finishes the ack handle from any thread, in any order, with the
//! record to publish. A [`Committer`] publishes finished outputs **in offset order up to the first
//! unfinished record** and commits the consumed offsets, one commit batch in each commit interval.
//! With [`Guarantee::ExactlyOnce`] a transaction holds outputs and offsets, and a `read_committed`
//! reader sees each output once. With [`Guarantee::AtLeastOnce`] the offsets follow the outputs,
//! and a crash in between writes outputs again.
//!
//! **Invariants:**
//! - An ack handle belongs to one assignment of its partition. Revoking or rewinding the partition
//!   closes the assignment: from then on its ack handles have no effect, and none of its offsets is
//!   committed.
//! - Publishing and committing hold one lock. The rebalance callback waits for the lock as long as a
//!   hand-over may take, so no commit batch is in flight while a partition is handed over. After
//!   this time the callback closes the assignments without the lock. The group then refuses the
//!   batch in flight, or the batch is settled before the next owner receives the offsets.
//! - Dropping an unfinished ack handle fails the stream, and the record is read again.
//! - A batch refused after a change of the group is retried with the partitions still assigned
//!   here; its transaction, if any, is aborted first. After any other failure the group is rewound
//!   to its committed offsets. If the outcome of a transaction is unknown, a new producer first
//!   fences the old producer, which settles the transaction. A producer that has lost a connection
//!   during a transaction is replaced before the next transaction, since the broker may receive a
//!   lost request late (KIP-890). Without transactions, a producer with queued records is replaced,
//!   so no record is written late.
//! - An unreadable batch is one record of its assignment: the offset after the batch is committed
//!   with the output that reports the batch.
//! - No librdkafka call delays a batch beyond its deadline.

mod amount;
mod assignment;
mod assignments;
mod bounded;
mod commit_batch;
mod commit_trigger;
mod committer;
mod consumer;
mod membership;
mod metrics;
mod plain;
mod publish_error;
mod publisher;
mod settings;
mod source;
mod transactional;
mod uncommitted;
mod writer;

use std::sync::Arc;

pub use assignment::AckHandle;
pub use committer::Committer;
pub use metrics::Metrics;
pub use settings::{Guarantee, StreamSettings};
pub use source::{Handler, Source};
pub use uncommitted::UncommittedBytes;

use crate::config::KafkaConfig;
use crate::error::Error;
pub use crate::group_protocol::GroupProtocol;
use crate::unreadable::ReadMonitor;
use amount::Amount;
use assignments::Assignments;
use publisher::Publisher;

/// Opens a stream: fences earlier producers of this instance and joins the group. Blocks until the
/// broker answers.
///
/// The caller runs each half on its own thread, and stops the source first: the source drains, then
/// commits.
pub fn open(
    config: &KafkaConfig,
    settings: StreamSettings,
    metrics: Metrics,
    monitor: ReadMonitor,
) -> Result<(Source, Arc<Committer>), Error> {
    let threshold = Amount { records: settings.commit_records, bytes: settings.commit_bytes };
    let assignments = Arc::new(Assignments::new(threshold));
    let publisher = Publisher::connect(config, &settings, &metrics)?;
    let committer =
        Arc::new(Committer::new(assignments, publisher, settings.commit_interval, metrics.clone()));
    let source = Source::connect(config, settings, Arc::clone(&committer), metrics, monitor)?;
    Ok((source, committer))
}

#[cfg(test)]
mod tests;
