//! The consumer of a stream, and its rebalance callbacks.
//!
//! The callbacks run inside `poll`, on the polling thread. A revocation commits and closes the
//! partitions before another member receives the partitions. The source reads the other effects
//! after `poll` returns.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;

use super::metrics::Metrics;
use crate::context;
use crate::error::Error;
use crate::record::TopicPartition;

/// The consumer of a stream.
pub(super) type GroupConsumer = BaseConsumer<RebalanceContext>;

/// Commits and closes revoked partitions before another member receives them.
pub(super) type HandOverFn =
    Box<dyn Fn(&GroupConsumer, &[TopicPartition]) -> Result<(), Error> + Send + Sync>;

/// Follows rebalances of the consumer group.
pub(super) struct RebalanceContext {
    name: String,
    hand_over: HandOverFn,
    metrics: Metrics,
    /// True once a new consumer replaces this consumer: revocations have no effect on the stream.
    pub(super) is_replaced: AtomicBool,
    /// True while every partition is paused. New partitions are then paused too.
    pub(super) is_closed: AtomicBool,
    /// Revoked partitions that the source has not yet removed.
    pub(super) revoked: Mutex<Vec<TopicPartition>>,
    /// Failure of a hand-over, which ends the source.
    pub(super) failure: Mutex<Option<Error>>,
}

impl RebalanceContext {
    pub(super) fn new(name: String, hand_over: HandOverFn, metrics: Metrics) -> Self {
        Self {
            name,
            hand_over,
            metrics,
            is_replaced: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            revoked: Mutex::default(),
            failure: Mutex::default(),
        }
    }
}

impl ClientContext for RebalanceContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(&self.name, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        context::error(&self.name, &error, reason);
    }
}

impl ConsumerContext for RebalanceContext {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                tracing::info!(kafka.partitions = list.count(), "partitions assigned");
                self.metrics.assigned.add(i64::try_from(list.count()).unwrap_or(0));
            }
            Rebalance::Revoke(list) => {
                let partitions = TopicPartition::all_of(list);
                tracing::info!(kafka.partitions = partitions.len(), "partitions revoked");
                if self.is_replaced.load(Ordering::Relaxed) {
                    return;
                }
                self.metrics.assigned.sub(i64::try_from(partitions.len()).unwrap_or(0));
                if let Err(error) = (self.hand_over)(consumer, &partitions) {
                    *self.failure.lock() = Some(error);
                }
                self.revoked.lock().extend(partitions);
                // librdkafka keeps a partition paused over a revocation. After its return the
                // partition would never be read.
                if let Err(error) = consumer.resume(list) {
                    tracing::warn!(error = %error, "cannot resume revoked partitions");
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
            tracing::warn!(error = %error, "cannot pause new partitions");
        }
    }
}
