//! Publishes finished outputs and commits the consumed offsets, batch by batch.
//!
//! **Invariant:** a lock covers publishing and settling. While a rebalance callback holds the lock,
//! no transaction is open or unsettled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::assignments::Assignments;
use super::commit_batch::CommitBatch;
use super::consumer::GroupConsumer;
use super::membership::Membership;
use super::metrics::Metrics;
use super::publish_error::PublishError;
use super::publisher::Publisher;
use super::uncommitted::UncommittedBytes;
use crate::config::POLL_INTERVAL;
use crate::error::Error;

/// Pause between attempts to settle a failed batch.
const SETTLE_INTERVAL: Duration = Duration::from_secs(1);
/// Pause before a batch is retried after a change of the group.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);
/// Attempts at a batch before the records are dropped and read again.
const MAX_TRIES: u32 = 20;

/// The committing half of a stream.
pub struct Committer {
    assignments: Arc<Assignments>,
    publishing: Mutex<Publishing>,
    interval: Duration,
    consumer: Mutex<Weak<GroupConsumer>>,
    must_rewind: AtomicBool,
    is_closing: Mutex<bool>,
    closing: Condvar,
    metrics: Metrics,
}

struct Publishing {
    publisher: Publisher,
    /// A batch refused after a change of the group, and the time of its next attempt.
    retry: Option<(CommitBatch, Instant)>,
}

/// Work left after a commit batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum CommitProgress {
    /// All records that were finished when the batch was taken are committed or given up.
    Done,
    /// More records were finished than the batch could hold.
    Backlog,
    /// The batch waits for the group to settle.
    Retrying,
}

/// Time limits of the last commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct CommitTimeouts {
    /// Longest wait for the batch in flight.
    pub(super) current_batch: Duration,
    /// Time after the batch in flight during which further batches may start.
    pub(super) further_batches: Duration,
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
            publishing: Mutex::new(Publishing { publisher, retry: None }),
            interval,
            consumer: Mutex::default(),
            must_rewind: AtomicBool::new(false),
            is_closing: Mutex::default(),
            closing: Condvar::new(),
            metrics,
        }
    }

    /// Commits finished records until `is_stopping`: when enough are finished, after each interval,
    /// and without a pause while there is a backlog. Fails if another live instance uses the same
    /// `transactional.id`, or if publishing has become impossible.
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

    /// Commits a batch.
    fn commit_next(&self) -> Result<CommitProgress, Error> {
        // Dropped after the lock is released: dropping the last reference leaves the group, and the
        // callback takes the lock.
        let consumer = self.consumer();
        let mut publishing = self.publishing.lock();
        let progress = match &consumer {
            Some(consumer) if !*self.is_closing.lock() => {
                self.publish_next(&mut publishing, consumer)?
            }
            _ => CommitProgress::Done,
        };
        publishing.publisher.serve();
        // A waiting thread gets the lock before the next batch: the whole group may wait for it.
        MutexGuard::unlock_fair(publishing);
        Ok(progress)
    }

    /// The assignments whose records are committed.
    pub(super) fn assignments(&self) -> Arc<Assignments> {
        Arc::clone(&self.assignments)
    }

    /// The bytes of finished outputs awaiting their commit, for callers with a memory limit.
    pub fn uncommitted_bytes(&self) -> UncommittedBytes {
        self.assignments.uncommitted_bytes().clone()
    }

    fn pause_after(&self, progress: CommitProgress) -> Duration {
        match progress {
            _ if *self.is_closing.lock() => POLL_INTERVAL,
            CommitProgress::Done | CommitProgress::Backlog => self.interval,
            CommitProgress::Retrying => RETRY_INTERVAL,
        }
    }

    /// Sets the consumer for commits. The source owns the consumer.
    pub(super) fn set_consumer(&self, consumer: &Arc<GroupConsumer>) {
        *self.consumer.lock() = Arc::downgrade(consumer);
    }

    /// Returns the consumer, or `None` once the committer or the consumer is closing.
    pub(super) fn consumer(&self) -> Option<Arc<GroupConsumer>> {
        self.consumer.lock().upgrade()
    }

    /// Stops committing, except by [`Self::commit_last`]. Failures are no longer retried.
    pub(super) fn close(&self) {
        *self.consumer.lock() = Weak::new();
        *self.is_closing.lock() = true;
        self.closing.notify_all();
        self.assignments.wake();
    }

    /// Makes the source return to the committed offsets before it reads on.
    pub(super) fn mark_rewind(&self) {
        self.must_rewind.store(true, Ordering::Release);
    }

    /// Returns true, once per mark, if the group must be rewound to its committed offsets.
    pub(super) fn take_rewind(&self) -> bool {
        self.must_rewind.swap(false, Ordering::AcqRel)
    }

    /// Commits all finished records within `timeouts`, retrying when the group changes. Then calls
    /// `close_assignments` in any case, so that no later batch holds records of the assignments
    /// closed there.
    pub(super) fn commit_last(
        &self,
        consumer: &Arc<GroupConsumer>,
        timeouts: CommitTimeouts,
        close_assignments: impl FnOnce(),
    ) -> Result<CommitProgress, Error> {
        let mut publishing = self.publishing.try_lock_for(timeouts.current_batch);
        let result = publishing.as_mut().map_or(Ok(CommitProgress::Retrying), |publishing| {
            self.publish_until(publishing, consumer, Instant::now() + timeouts.further_batches)
        });
        close_assignments();
        result
    }

    fn publish_until(
        &self,
        publishing: &mut Publishing,
        consumer: &Arc<GroupConsumer>,
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

    /// Calls `action` while no transaction is open or unsettled. Returns `None` if the lock is not
    /// free within `timeout`.
    pub(super) fn between_transactions<R>(
        &self,
        timeout: Duration,
        action: impl FnOnce() -> R,
    ) -> Option<R> {
        let _publishing = self.publishing.try_lock_for(timeout)?;
        Some(action())
    }

    /// Publishes a batch of a bounded size.
    fn publish_next(
        &self,
        publishing: &mut Publishing,
        consumer: &Arc<GroupConsumer>,
    ) -> Result<CommitProgress, Error> {
        if publishing.retry.as_ref().is_some_and(|(_, due)| Instant::now() < *due) {
            return Ok(CommitProgress::Retrying);
        }
        // Read before the batch is taken: a partition assigned now, and still assigned when the
        // batch is checked, may be committed with this membership.
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
            Err(failure @ PublishError::GroupChanged { .. }) if batch.tries < MAX_TRIES => {
                self.metrics.transactions.with_label_values(&["retried"]).inc();
                tracing::info!(
                    error = &failure as &dyn std::error::Error,
                    "{failure}; trying again"
                );
                self.settle(&mut publishing.publisher, &failure)?;
                batch.mark_tried();
                publishing.retry = Some((batch, Instant::now() + RETRY_INTERVAL));
                Ok(CommitProgress::Retrying)
            }
            Err(failure) => {
                self.give_up(&mut publishing.publisher, &failure)?;
                Ok(CommitProgress::Done)
            }
        }
    }

    /// Drops all records received since the last commit, and requests a rewind. The rewind waits
    /// until the failed batch is settled.
    fn give_up(&self, publisher: &mut Publisher, failure: &PublishError) -> Result<(), Error> {
        self.metrics.transactions.with_label_values(&["failed"]).inc();
        tracing::warn!(error = failure as &dyn std::error::Error, "{failure}; reading again");
        self.assignments.close_all();
        self.mark_rewind();
        publisher.note(failure)?;
        self.settle(publisher, failure)
    }

    fn settle(&self, publisher: &mut Publisher, failure: &PublishError) -> Result<(), Error> {
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
    /// Returns the batch to retry if records of it are still assigned here, otherwise a new batch.
    fn next(&mut self, assignments: &Assignments) -> Option<CommitBatch> {
        let retry = self.retry.take().map(|(batch, _)| batch);
        retry
            .and_then(CommitBatch::into_current)
            .or_else(|| CommitBatch::new(assignments.take_finished()).into_current())
    }
}

fn to_gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
