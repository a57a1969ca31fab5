//! Publishes what is finished and commits the consumed offsets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rdkafka::consumer::BaseConsumer;

use super::assignments::Assignments;
use super::metrics::Metrics;
use super::publisher::{CommitBatch, Failure, Membership, Publisher};
use super::source::Context;
use super::uncommitted::UncommittedBytes;
use crate::config::POLL_INTERVAL;
use crate::error::Error;

/// How long a producer that could not be replaced waits before it is tried again.
const SETTLE_INTERVAL: Duration = Duration::from_secs(1);
/// How soon a batch that met a change of the group is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);
/// How often, before it is dropped and its records are read again.
const TRIES: u32 = 20;

/// The committing half of a stream. Its lock is held for as long as a transaction is open or
/// unsettled.
pub struct Committer {
    assignments: Arc<Assignments>,
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
    /// A batch that met a change of the group, and when it may be tried again.
    waiting: Option<(CommitBatch, Instant)>,
}

/// What is left after a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum CommitProgress {
    /// Nothing that was finished when the batch was taken.
    Done,
    /// More than the batch had room for.
    Backlog,
    /// A batch that waits for the group to settle.
    Waiting,
}

/// How long the last commit may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct CommitTimeouts {
    /// Until a batch that is under way has ended.
    pub(super) before: Duration,
    /// From then on until no further batch begins.
    pub(super) batches: Duration,
}

impl Committer {
    pub(super) fn new(
        assignments: Arc<Assignments>,
        publisher: Publisher,
        interval: Duration,
        metrics: Metrics,
    ) -> Self {
        Self {
            assignments,
            publishing: Mutex::new(Publishing { publisher, waiting: None }),
            interval,
            consumer: Mutex::default(),
            must_rewind: AtomicBool::new(false),
            is_closing: Mutex::default(),
            closing: Condvar::new(),
            metrics,
        }
    }

    /// Commits whenever enough is finished or the interval is over, until `is_stopping`; a backlog
    /// without a pause. Fails when another instance of the same name works too, or nothing can be
    /// published any more.
    pub fn run(&self, is_stopping: impl Fn() -> bool) -> Result<(), Error> {
        let mut progress = CommitProgress::Done;
        while !is_stopping() {
            if progress != CommitProgress::Backlog {
                self.assignments.wait(self.pause_after(progress));
            }
            progress = self.commit_next()?;
            self.metrics.pending.set(to_gauge(self.assignments.pending_records()));
            self.metrics.uncommitted.set(to_gauge(self.assignments.uncommitted_bytes().bytes()));
        }
        Ok(())
    }

    /// Commits one batch.
    fn commit_next(&self) -> Result<CommitProgress, Error> {
        // Dropped after the lock: the last to have it leaves the group, whose callback locks too.
        let consumer = self.consumer();
        let mut publishing = self.publishing.lock();
        let progress = match &consumer {
            Some(consumer) if !*self.is_closing.lock() => {
                self.publish_next(&mut publishing, consumer)?
            }
            _ => CommitProgress::Done,
        };
        publishing.publisher.serve();
        // Whoever has waited comes before the next batch: the group may be waiting for it.
        MutexGuard::unlock_fair(publishing);
        Ok(progress)
    }

    /// The bytes of finished outputs that are not yet committed, for whoever limits them.
    pub fn uncommitted_bytes(&self) -> UncommittedBytes {
        self.assignments.uncommitted_bytes().clone()
    }

    fn pause_after(&self, progress: CommitProgress) -> Duration {
        match progress {
            _ if *self.is_closing.lock() => POLL_INTERVAL,
            CommitProgress::Done | CommitProgress::Backlog => self.interval,
            CommitProgress::Waiting => RETRY_INTERVAL,
        }
    }

    /// The consumer whose offsets are committed.
    pub(super) fn set_consumer(&self, consumer: Arc<BaseConsumer<Context>>) {
        *self.consumer.lock() = Some(consumer);
    }

    /// The same; `None` once it is closing.
    pub(super) fn consumer(&self) -> Option<Arc<BaseConsumer<Context>>> {
        self.consumer.lock().clone()
    }

    /// The consumer is closing: nothing is committed but by [`Self::commit_last`], and what fails now is
    /// not tried again.
    pub(super) fn close(&self) {
        *self.consumer.lock() = None;
        *self.is_closing.lock() = true;
        self.closing.notify_all();
        self.assignments.wake();
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
    /// `patience`. Then calls `and_then` in any case: no batch that is taken later has any of what
    /// that closes.
    pub(super) fn commit_last(
        &self,
        consumer: &Arc<BaseConsumer<Context>>,
        patience: CommitTimeouts,
        and_then: impl FnOnce(),
    ) -> Result<CommitProgress, Error> {
        let mut publishing = self.publishing.try_lock_for(patience.before);
        let result = publishing.as_mut().map_or(Ok(CommitProgress::Waiting), |publishing| {
            self.publish_until(publishing, consumer, Instant::now() + patience.batches)
        });
        and_then();
        result
    }

    fn publish_until(
        &self,
        publishing: &mut Publishing,
        consumer: &Arc<BaseConsumer<Context>>,
        deadline: Instant,
    ) -> Result<CommitProgress, Error> {
        loop {
            let progress = self.publish_next(publishing, consumer)?;
            if progress == CommitProgress::Done || Instant::now() >= deadline {
                return Ok(progress);
            }
            if progress != CommitProgress::Backlog {
                std::thread::park_timeout(RETRY_INTERVAL);
            }
        }
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

    /// One batch, of a bounded size.
    fn publish_next(
        &self,
        publishing: &mut Publishing,
        consumer: &Arc<BaseConsumer<Context>>,
    ) -> Result<CommitProgress, Error> {
        if publishing.waiting.as_ref().is_some_and(|(_, due)| Instant::now() < *due) {
            return Ok(CommitProgress::Waiting);
        }
        // Before the batch is looked at: what was ours at this moment, and still is then, was ours
        // to commit with it.
        let Some(group) = Membership::of(consumer) else { return Ok(CommitProgress::Done) };
        let Some(batch) = publishing.next(&self.assignments) else {
            return Ok(CommitProgress::Done);
        };
        self.publish(publishing, batch, &group)
    }

    fn publish(
        &self,
        publishing: &mut Publishing,
        mut batch: CommitBatch,
        group: &Membership<'_>,
    ) -> Result<CommitProgress, Error> {
        let began = Instant::now();
        match publishing.publisher.publish(&mut batch, group) {
            Ok(()) => {
                self.metrics.committed.inc_by(batch.records() as u64);
                self.metrics.transactions.with_label_values(&["committed"]).inc();
                self.metrics.commit.observe(began.elapsed().as_secs_f64());
                Ok(if batch.has_more { CommitProgress::Backlog } else { CommitProgress::Done })
            }
            Err(failure @ Failure::GroupChanged { .. }) if batch.tries < TRIES => {
                self.metrics.transactions.with_label_values(&["retried"]).inc();
                tracing::info!(
                    error = &failure as &dyn std::error::Error,
                    "{failure}; trying again"
                );
                self.settle(&mut publishing.publisher, &failure)?;
                batch.mark_tried();
                publishing.waiting = Some((batch, Instant::now() + RETRY_INTERVAL));
                Ok(CommitProgress::Waiting)
            }
            Err(failure) => {
                self.give_up(&mut publishing.publisher, &failure)?;
                Ok(CommitProgress::Done)
            }
        }
    }

    /// Drops all that was received since the last commit, and has it read again from there, which
    /// nobody may ask for before the failed batch is settled.
    fn give_up(&self, publisher: &mut Publisher, failure: &Failure) -> Result<(), Error> {
        self.metrics.transactions.with_label_values(&["failed"]).inc();
        tracing::warn!(error = failure as &dyn std::error::Error, "{failure}; reading again");
        self.assignments.close_all();
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
    fn next(&mut self, assignments: &Assignments) -> Option<CommitBatch> {
        let waiting = self.waiting.take().map(|(batch, _)| batch);
        waiting
            .and_then(CommitBatch::into_current)
            .or_else(|| CommitBatch::new(assignments.take_finished()).into_current())
    }
}

fn to_gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
