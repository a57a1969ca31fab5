//! Publishes what is finished and commits the consumed offsets, in transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::held::Held;
use super::lane::Finished;
use super::lanes::Lanes;
use super::metrics::Metrics;
use super::producer::{TransactionError, TransactionalProducer};
use super::source::Context;
use crate::config::POLL_INTERVAL;
use crate::error::Error;

/// How long a producer that could not be replaced waits before it is tried again.
const SETTLE_INTERVAL: Duration = Duration::from_secs(1);

/// The committing half of a stream. Its lock is held for as long as a transaction is open or
/// unsettled.
pub struct Committer {
    lanes: Arc<Lanes>,
    producer: Mutex<TransactionalProducer>,
    interval: Duration,
    consumer: Mutex<Option<Arc<BaseConsumer<Context>>>>,
    must_rewind: AtomicBool,
    is_closing: Mutex<bool>,
    closing: Condvar,
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
            is_closing: Mutex::default(),
            closing: Condvar::new(),
            metrics,
        }
    }

    /// Commits whenever enough is finished or the interval is over, until `is_stopping`. Fails
    /// when another instance of the same name works too, or transactions can no longer be made.
    pub fn run(&self, is_stopping: impl Fn() -> bool) -> Result<(), Error> {
        while !is_stopping() {
            let is_closing = *self.is_closing.lock();
            self.lanes.wait(if is_closing { POLL_INTERVAL } else { self.interval });
            let consumer = self.consumer.lock().clone();
            if let Some(consumer) = consumer {
                self.commit(&consumer, || {})?;
            }
            self.producer.lock().serve();
            self.metrics.pending.set(to_gauge(self.lanes.pending_records()));
            self.metrics.held.set(to_gauge(self.lanes.held().bytes()));
        }
        Ok(())
    }

    /// The bytes of finished outputs that are not yet committed, for whoever limits them.
    pub fn held(&self) -> Held {
        self.lanes.held().clone()
    }

    /// The consumer whose offsets are committed.
    pub(super) fn set_consumer(&self, consumer: Arc<BaseConsumer<Context>>) {
        *self.consumer.lock() = Some(consumer);
    }

    /// The consumer is closing: nothing is committed but by [`Self::commit`], and what fails now is
    /// not tried again.
    pub(super) fn close(&self) {
        *self.consumer.lock() = None;
        *self.is_closing.lock() = true;
        self.closing.notify_all();
        self.lanes.wake();
    }

    /// Has the source go back to the committed offsets before it reads on.
    pub(super) fn mark_rewind(&self) {
        self.must_rewind.store(true, Ordering::Release);
    }

    /// Whether the group has to be rewound to its committed offsets; asked once.
    pub(super) fn take_rewind(&self) -> bool {
        self.must_rewind.swap(false, Ordering::AcqRel)
    }

    /// Commits all that is finished now, then calls `and_then`, both under the lock: no transaction
    /// begins before `and_then` has returned.
    pub(super) fn commit(
        &self,
        consumer: &BaseConsumer<Context>,
        and_then: impl FnOnce(),
    ) -> Result<(), Error> {
        let mut producer = self.producer.lock();
        let result = match consumer.group_metadata() {
            Some(group) => self.transact_all(&mut producer, &group),
            None => Ok(()),
        };
        and_then();
        result
    }

    /// Calls `action` when no transaction is open, nor a failed one unsettled; `None` if that does
    /// not come to be within `patience`.
    pub(super) fn between_transactions<R>(
        &self,
        patience: Duration,
        action: impl FnOnce() -> R,
    ) -> Option<R> {
        let _producer = self.producer.try_lock_for(patience)?;
        Some(action())
    }

    /// One transaction after the other, each of a bounded size, until nothing finished is left.
    fn transact_all(
        &self,
        producer: &mut TransactionalProducer,
        group: &ConsumerGroupMetadata,
    ) -> Result<(), Error> {
        loop {
            let share = self.lanes.take_finished();
            if share.is_empty() {
                return Ok(());
            }
            self.transact(producer, group, &share)?;
        }
    }

    fn transact(
        &self,
        producer: &mut TransactionalProducer,
        group: &ConsumerGroupMetadata,
        finished: &[Finished],
    ) -> Result<(), Error> {
        let began = Instant::now();
        let outputs = finished.iter().flat_map(|lane| &lane.outputs);
        let offsets = offsets(finished).map_err(|source| producer.fatal(source))?;
        if let Err(error) = producer.transact(outputs, &offsets, group) {
            return self.recover(producer, error);
        }
        let records: usize = finished.iter().map(Finished::records).sum();
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
        failure: TransactionError,
    ) -> Result<(), Error> {
        self.metrics.transactions.with_label_values(&["failed"]).inc();
        tracing::warn!(error = &failure as &dyn std::error::Error, "{failure}; reading again");
        self.lanes.close_all();
        self.mark_rewind();
        match failure {
            TransactionError::Refused { partition, source } => {
                return Err(Error::Refused { partition, source });
            }
            TransactionError::Fenced(ref source) => producer.note_fencing(source)?,
            TransactionError::Open { .. } | TransactionError::Indefinite { .. } => {}
        }
        while let Err(error) = producer.settle(&failure) {
            if matches!(error, Error::Fatal { .. }) || self.closes_within(SETTLE_INTERVAL) {
                return Err(error);
            }
            tracing::warn!(error = &error as &dyn std::error::Error, "{error}; trying again");
        }
        Ok(())
    }

    fn closes_within(&self, time: Duration) -> bool {
        let mut is_closing = self.is_closing.lock();
        if !*is_closing {
            self.closing.wait_for(&mut is_closing, time);
        }
        *is_closing
    }
}

fn to_gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn offsets(finished: &[Finished]) -> KafkaResult<TopicPartitionList> {
    let mut offsets = TopicPartitionList::with_capacity(finished.len());
    for lane in finished {
        let next = Offset::Offset(lane.next_offset);
        offsets.add_partition_offset(&lane.partition.topic, lane.partition.partition, next)?;
    }
    Ok(offsets)
}
