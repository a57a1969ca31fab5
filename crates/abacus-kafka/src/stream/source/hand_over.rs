//! Handing revoked partitions over to their next owner.
//!
//! **Invariant:** when [`HandOver::run`] returns, the assignments of the revoked partitions are
//! closed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;

use crate::error::Error;
use crate::record::TopicPartition;
use crate::stream::assignments::Assignments;
use crate::stream::committer::{CommitTimeouts, Committer};
use crate::stream::consumer::GroupConsumer;

/// Pause between two checks for unfinished records.
const CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// Commits and closes revoked partitions.
pub(super) struct HandOver {
    pub(super) assignments: Arc<Assignments>,
    pub(super) committer: Arc<Committer>,
    /// Longest wait for unfinished records, for the batch in flight, and for further batches.
    pub(super) timeout: Duration,
}

impl HandOver {
    /// Waits for unfinished records of `partitions`, commits finished records and closes the
    /// assignments.
    pub(super) fn run(
        &self,
        consumer: &GroupConsumer,
        partitions: &[TopicPartition],
    ) -> Result<(), Error> {
        if consumer.assignment_lost() {
            // The broker refuses commits: this instance is no longer a member.
            tracing::warn!("partitions were lost; another instance repeats their work");
            self.assignments.close(partitions);
            return Ok(());
        }
        let deadline = Instant::now() + self.timeout;
        while self.assignments.has_unfinished(partitions) && Instant::now() < deadline {
            std::thread::park_timeout(CHECK_INTERVAL);
        }
        let Some(consumer) = self.committer.consumer() else {
            // The consumer is closing after the last commit.
            self.assignments.close(partitions);
            return Ok(());
        };
        let timeouts =
            CommitTimeouts { current_batch: self.timeout, further_batches: self.timeout };
        self.committer
            .commit_last(&consumer, timeouts, || self.assignments.close(partitions))
            .map(drop)
    }
}
