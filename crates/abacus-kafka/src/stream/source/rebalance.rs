//! What happens when partitions come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;

use super::BUSY_POLL;
use crate::context;
use crate::error::Error;
use crate::record::TopicPartition;
use crate::stream::assignments::Assignments;
use crate::stream::committer::{CommitTimeouts, Committer};
use crate::stream::metrics::Metrics;

/// Follows rebalances; runs inside `poll`, on the polling thread.
pub(in crate::stream) struct Context {
    pub(super) name: String,
    pub(super) assignments: Arc<Assignments>,
    pub(super) committer: Arc<Committer>,
    pub(super) hand_over: Duration,
    pub(super) metrics: Metrics,
    /// Every partition is paused, those to come as well.
    pub(super) is_closed: AtomicBool,
    /// Told to the source when `poll` returns.
    pub(super) revoked: Mutex<Vec<TopicPartition>>,
    pub(super) failure: Mutex<Option<Error>>,
}

impl Context {
    /// Waits a little for the work under way, commits it, and closes the assignments before anybody else
    /// is given the partitions.
    fn hand_over(&self, consumer: &BaseConsumer<Self>, partitions: &[TopicPartition]) {
        if consumer.assignment_lost() {
            // Whatever we would still commit, the broker refuses: we are no longer of the group.
            tracing::warn!("partitions were lost; their work is done again elsewhere");
            self.assignments.close(partitions);
            return;
        }
        let deadline = Instant::now() + self.hand_over;
        while self.assignments.has_unfinished(partitions) && Instant::now() < deadline {
            std::thread::park_timeout(BUSY_POLL);
        }
        let patience = CommitTimeouts { before: self.hand_over, batches: self.hand_over };
        let Some(consumer) = self.committer.consumer() else {
            // All that could be is committed, and the assignments are closed.
            return self.assignments.close(partitions);
        };
        let committed = self.committer.commit_last(&consumer, patience, || {
            self.assignments.close(partitions);
        });
        if let Err(error) = committed {
            *self.failure.lock() = Some(error);
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(&self.name, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        context::error(&self.name, &error, reason);
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                tracing::info!(kafka.partitions = list.count(), "partitions assigned");
                self.metrics.assigned.add(i64::try_from(list.count()).unwrap_or(0));
            }
            Rebalance::Revoke(list) => {
                let partitions = TopicPartition::all_of(list);
                tracing::info!(kafka.partitions = partitions.len(), "partitions revoked");
                self.metrics.assigned.sub(i64::try_from(partitions.len()).unwrap_or(0));
                self.hand_over(consumer, &partitions);
                self.revoked.lock().extend(partitions);
                // librdkafka keeps a partition paused over a revocation; should it come back, it
                // would never be read.
                if let Err(error) = consumer.resume(list) {
                    tracing::warn!(error = %error, "revoked partitions cannot be resumed");
                }
            }
            Rebalance::Error(error) => tracing::warn!(error = %error, "rebalance failed"),
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance
            && self.is_closed.load(Ordering::Relaxed)
            && let Err(error) = consumer.pause(list)
        {
            tracing::warn!(error = %error, "new partitions cannot be paused");
        }
    }
}
