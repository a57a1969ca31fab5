//! Publishes what is finished and commits the consumed offsets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::consumer::BaseConsumer;

use super::held::Held;
use super::lanes::Lanes;
use super::metrics::Metrics;
use super::publisher::{Failure, Membership, Publisher, Share};
use super::source::Context;
use crate::config::POLL_INTERVAL;
use crate::error::Error;

/// How long a producer that could not be replaced waits before it is tried again.
const SETTLE_INTERVAL: Duration = Duration::from_secs(1);
/// How soon a share that met a change of the group is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);
/// How often, before it is dropped and its records are read again.
const TRIES: u32 = 20;

/// The committing half of a stream. Its lock is held for as long as a transaction is open or
/// unsettled.
pub struct Committer {
    lanes: Arc<Lanes>,
    publishing: Mutex<Publishing>,
    interval: Duration,
    consumer: Mutex<Option<Arc<BaseConsumer<Context>>>>,
    must_rewind: AtomicBool,
    is_closing: Mutex<bool>,
    closing: Condvar,
    metrics: Metrics,
}

struct Publishing {
    publisher: Publisher,
    /// A share that met a change of the group, and when it may be tried again.
    waiting: Option<(Share, Instant)>,
}

/// Whether all that was finished is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Progress {
    Done,
    /// A share waits for the group to settle.
    Waiting,
}

impl Committer {
    pub(super) fn new(
        lanes: Arc<Lanes>,
        publisher: Publisher,
        interval: Duration,
        metrics: Metrics,
    ) -> Self {
        Self {
            lanes,
            publishing: Mutex::new(Publishing { publisher, waiting: None }),
            interval,
            consumer: Mutex::default(),
            must_rewind: AtomicBool::new(false),
            is_closing: Mutex::default(),
            closing: Condvar::new(),
            metrics,
        }
    }

    /// Commits whenever enough is finished or the interval is over, until `is_stopping`. Fails
    /// when another instance of the same name works too, or nothing can be published any more.
    pub fn run(&self, is_stopping: impl Fn() -> bool) -> Result<(), Error> {
        let mut progress = Progress::Done;
        while !is_stopping() {
            self.lanes.wait(self.pause_after(progress));
            let consumer = self.consumer.lock().clone();
            if let Some(consumer) = consumer {
                progress = self.commit(&consumer, || {})?;
            }
            self.publishing.lock().publisher.serve();
            self.metrics.pending.set(to_gauge(self.lanes.pending_records()));
            self.metrics.held.set(to_gauge(self.lanes.held().bytes()));
        }
        Ok(())
    }

    /// The bytes of finished outputs that are not yet committed, for whoever limits them.
    pub fn held(&self) -> Held {
        self.lanes.held().clone()
    }

    fn pause_after(&self, progress: Progress) -> Duration {
        match progress {
            _ if *self.is_closing.lock() => POLL_INTERVAL,
            Progress::Done => self.interval,
            Progress::Waiting => RETRY_INTERVAL,
        }
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

    /// Commits all that is finished now, as often as the group changes meanwhile, though not beyond
    /// `patience`. Then calls `and_then`: no transaction begins before it has returned.
    pub(super) fn commit_last(
        &self,
        consumer: &BaseConsumer<Context>,
        patience: Duration,
        and_then: impl FnOnce(),
    ) -> Result<(), Error> {
        let deadline = Instant::now() + patience;
        while self.commit(consumer, || {})? == Progress::Waiting && Instant::now() < deadline {
            std::thread::park_timeout(RETRY_INTERVAL);
        }
        self.commit(consumer, and_then).map(|_| ())
    }

    /// Commits all that is finished now, then calls `and_then`, both under the lock.
    fn commit(
        &self,
        consumer: &BaseConsumer<Context>,
        and_then: impl FnOnce(),
    ) -> Result<Progress, Error> {
        let mut publishing = self.publishing.lock();
        let result = self.publish_all(&mut publishing, consumer);
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
        let _publishing = self.publishing.try_lock_for(patience)?;
        Some(action())
    }

    /// One share after the other, each of a bounded size, until nothing finished is left.
    fn publish_all(
        &self,
        publishing: &mut Publishing,
        consumer: &BaseConsumer<Context>,
    ) -> Result<Progress, Error> {
        loop {
            if publishing.waiting.as_ref().is_some_and(|(_, due)| Instant::now() < *due) {
                return Ok(Progress::Waiting);
            }
            // Before the share is looked at: what was ours at this moment, and still is then, was
            // ours to commit with it.
            let Some(group) = Membership::of(consumer) else { return Ok(Progress::Done) };
            let Some(share) = publishing.next(&self.lanes) else { return Ok(Progress::Done) };
            self.publish(publishing, share, &group)?;
        }
    }

    fn publish(
        &self,
        publishing: &mut Publishing,
        mut share: Share,
        group: &Membership<'_>,
    ) -> Result<(), Error> {
        let began = Instant::now();
        match publishing.publisher.publish(&mut share, group) {
            Ok(()) => {
                self.metrics.committed.inc_by(share.records() as u64);
                self.metrics.transactions.with_label_values(&["committed"]).inc();
                self.metrics.commit.observe(began.elapsed().as_secs_f64());
                Ok(())
            }
            Err(failure @ Failure::Moved { .. }) if share.tries < TRIES => {
                self.metrics.transactions.with_label_values(&["retried"]).inc();
                tracing::info!(
                    error = &failure as &dyn std::error::Error,
                    "{failure}; trying again"
                );
                self.settle(&mut publishing.publisher, &failure)?;
                share.tries += 1;
                publishing.waiting = Some((share, Instant::now() + RETRY_INTERVAL));
                Ok(())
            }
            Err(failure) => self.give_up(&mut publishing.publisher, &failure),
        }
    }

    /// Drops all that was received since the last commit, and has it read again from there, which
    /// nobody may ask for before the failed share is settled.
    fn give_up(&self, publisher: &mut Publisher, failure: &Failure) -> Result<(), Error> {
        self.metrics.transactions.with_label_values(&["failed"]).inc();
        tracing::warn!(error = failure as &dyn std::error::Error, "{failure}; reading again");
        self.lanes.close_all();
        self.mark_rewind();
        publisher.note(failure)?;
        self.settle(publisher, failure)
    }

    fn settle(&self, publisher: &mut Publisher, failure: &Failure) -> Result<(), Error> {
        while let Err(error) = publisher.settle(failure) {
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

impl Publishing {
    /// What waits comes first; of it, what is still ours.
    fn next(&mut self, lanes: &Lanes) -> Option<Share> {
        let waiting = self.waiting.take().map(|(share, _)| share);
        waiting
            .and_then(Share::into_current)
            .or_else(|| Share::new(lanes.take_finished()).into_current())
    }
}

fn to_gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
