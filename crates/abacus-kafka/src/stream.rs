//! Consume-transform-produce, exactly once or at least once, with the records of one partition worked
//! on in parallel.
//!
//! A [`Source`] polls a consumer group and hands each record to a [`Handler`] together with a
//! [`AckHandle`]. The handler finishes the ack, from any thread and in any order, with the record
//! to publish. A [`Committer`] publishes what is finished **in offset order up to the first
//! unfinished record**, and commits the consumed offsets, every few hundred milliseconds: one batch.
//! By [`Guarantee::ExactlyOnce`] both are one transaction, and a `read_committed` reader of the output
//! sees each record's once. By [`Guarantee::AtLeastOnce`] the one comes after the other, and a crash in
//! between makes the output be written again.
//!
//! **Invariants:**
//! - A ack belongs to one assignment of its partition (an assignment). Once the partition is revoked
//!   or rewound the assignment is closed, what its acks say no longer counts, and no offset of it is
//!   committed any more.
//! - Publishing and committing happen under one lock, which the rebalance callback takes too, for as
//!   long as a hand-over may take: until then no batch is under way while a partition is handed over.
//!   Beyond that the assignments are closed all the same, and what is under way is refused by the group, or
//!   is settled before the next owner is told its offsets.
//! - A record whose ack is dropped unfinished fails the stream, so that it is read again.
//! - A batch that is refused because the group has changed is tried again with what is still ours,
//!   after its transaction, if it has one, was aborted. After any other failure the group is rewound
//!   to its committed offsets. Where it is not known how a transaction ended, a new producer first
//!   fences the old one, which settles it; without transactions a new one takes the place of one that
//!   has records left, so that nothing is written late.
//! - No call of librdkafka holds a batch up beyond its time.

mod assignment;
mod assignments;
mod bounded;
mod commit_trigger;
mod committer;
mod metrics;
mod plain;
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
pub use settings::{GroupProtocol, Guarantee, StreamSettings};
pub use source::{Handler, Source};
pub use uncommitted::UncommittedBytes;

use crate::config::KafkaConfig;
use crate::error::Error;
use assignment::Amount;
use assignments::Assignments;
use publisher::Publisher;

/// Joins the group and fences predecessors. Blocks until the broker answers.
///
/// Run the two halves on threads of their own, and stop the source first: it drains, then commits.
pub fn open(
    config: &KafkaConfig,
    settings: StreamSettings,
    metrics: Metrics,
) -> Result<(Source, Arc<Committer>), Error> {
    let enough = Amount { records: settings.commit_records, bytes: settings.commit_bytes };
    let assignments = Arc::new(Assignments::new(enough));
    let publisher = Publisher::connect(config, &settings)?;
    let committer = Arc::new(Committer::new(
        Arc::clone(&assignments),
        publisher,
        settings.commit_interval,
        metrics.clone(),
    ));
    let source = Source::connect(config, settings, assignments, Arc::clone(&committer), metrics)?;
    Ok((source, committer))
}

#[cfg(test)]
mod tests;
