//! Publishes what is finished and commits the consumed offsets, in transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};

use super::lanes::{Finished, Lanes};
use super::metrics::Metrics;
use super::producer::{TransactionError, TransactionalProducer};
use super::source::Context;
use crate::error::Error;

/// How long a producer that could not be replaced waits before it is tried again.
const SETTLE_INTERVAL: Duration = Duration::from_secs(1);

/// The committing half of a stream. Its lock is held for as long as a transaction is open.
pub struct Committer {
    lanes: Arc<Lanes>,
    producer: Mutex<TransactionalProducer>,
    interval: Duration,
    consumer: Mutex<Option<Arc<BaseConsumer<Context>>>>,
    must_rewind: AtomicBool,
    metrics: Metrics,
}

impl Committer {
    pub(super) fn new(
        lanes: Arc<Lanes>,
        producer: TransactionalProducer,
        interval: Duration,
        metrics: Metrics,
    ) -> Self {
        Self {
            lanes,
            producer: Mutex::new(producer),
            interval,
            consumer: Mutex::default(),
            must_rewind: AtomicBool::new(false),
            metrics,
        }
    }

    /// Commits whenever enough is finished or the interval is over, until `is_stopping`. Fails
    /// when a newer instance of the same name has taken over, or transactions can no longer be
    /// made.
    pub fn run(&self, is_stopping: impl Fn() -> bool) -> Result<(), Error> {
        while !is_stopping() {
            self.lanes.wait(self.interval);
            let consumer = self.consumer.lock().clone();
            if let Some(consumer) = consumer {
                self.commit(&consumer, || {})?;
            }
            self.metrics.pending.set(i64::try_from(self.lanes.backlog()).unwrap_or(i64::MAX));
        }
        Ok(())
    }

    /// The consumer whose offsets are committed; `None` once it is closing.
    pub(super) fn set_consumer(&self, consumer: Option<Arc<BaseConsumer<Context>>>) {
        *self.consumer.lock() = consumer;
    }

    /// Has the source go back to the committed offsets before it reads on.
    pub(super) fn mark_rewind(&self) {
        self.must_rewind.store(true, Ordering::Release);
    }

    /// Whether the group has to be rewound to its committed offsets; asked once.
    pub(super) fn take_rewind(&self) -> bool {
        self.must_rewind.swap(false, Ordering::AcqRel)
    }

    /// Commits what is finished now, then calls `and_then`, both under the lock: no transaction
    /// begins before `and_then` has returned.
    pub(super) fn commit(
        &self,
        consumer: &BaseConsumer<Context>,
        and_then: impl FnOnce(),
    ) -> Result<(), Error> {
        let mut producer = self.producer.lock();
        let result = match consumer.group_metadata() {
            Some(group) => self.transact(&mut producer, &group),
            None => Ok(()),
        };
        and_then();
        result
    }

    /// Calls `action` when no transaction is open, nor a failed one unsettled.
    pub(super) fn between_transactions<R>(&self, action: impl FnOnce() -> R) -> R {
        let _producer = self.producer.lock();
        action()
    }

    fn transact(
        &self,
        producer: &mut TransactionalProducer,
        group: &ConsumerGroupMetadata,
    ) -> Result<(), Error> {
        let finished = self.lanes.take_finished();
        if finished.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let outputs = finished.iter().flat_map(|lane| &lane.outputs);
        let offsets = offsets(&finished).map_err(Self::fatal)?;
        if let Err(error) = producer.transact(outputs, &offsets, group) {
            return self.recover(producer, error);
        }
        let records: usize = finished.iter().map(|lane| lane.records).sum();
        self.metrics.committed.inc_by(records as u64);
        self.metrics.transactions.with_label_values(&["committed"]).inc();
        self.metrics.commit.observe(began.elapsed().as_secs_f64());
        Ok(())
    }

    /// After a failed transaction: drop all that was received since, have it read again from what
    /// is committed, and settle the transaction before anybody asks what that is.
    fn recover(
        &self,
        producer: &mut TransactionalProducer,
        error: TransactionError,
    ) -> Result<(), Error> {
        self.metrics.transactions.with_label_values(&["failed"]).inc();
        tracing::warn!(error = &error as &dyn std::error::Error, "{error}; reading again");
        self.lanes.close_all();
        self.mark_rewind();
        if error.is_fenced() {
            return Err(Self::fatal(error.into_source()));
        }
        while let Err(error) = producer.settle(&error) {
            tracing::warn!(error = &error as &dyn std::error::Error, "{error}; trying again");
            self.lanes.wait(SETTLE_INTERVAL);
        }
        Ok(())
    }

    fn fatal(source: KafkaError) -> Error {
        Error::Fatal { client: "committer".to_owned(), source }
    }
}

fn offsets(finished: &[Finished]) -> KafkaResult<TopicPartitionList> {
    let mut offsets = TopicPartitionList::with_capacity(finished.len());
    for lane in finished {
        let next = Offset::Offset(lane.next_offset);
        offsets.add_partition_offset(&lane.partition.topic, lane.partition.partition, next)?;
    }
    Ok(offsets)
}
