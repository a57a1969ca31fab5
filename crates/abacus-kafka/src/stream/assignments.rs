//! The open assignments of all partitions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::amount::Amount;
use super::assignment::{Assignment, FinishedRecords};
use super::commit_trigger::CommitTrigger;
use super::uncommitted::UncommittedBytes;
use crate::record::TopicPartition;

/// The largest commit batch, as a multiple of the threshold that starts one. A larger batch spreads
/// the fixed cost of a transaction over more records.
const BACKLOG_FACTOR: usize = 4;

pub(super) struct Assignments {
    by_partition: Mutex<HashMap<TopicPartition, Arc<Assignment>>>,
    trigger: Arc<CommitTrigger>,
    uncommitted: UncommittedBytes,
}

impl Assignments {
    /// `threshold` is the amount of finished records that starts a commit batch early.
    pub(super) fn new(threshold: Amount) -> Self {
        let trigger = Arc::new(CommitTrigger::new(threshold));
        Self { by_partition: Mutex::default(), trigger, uncommitted: UncommittedBytes::default() }
    }

    /// Opens a new assignment of a partition, and closes the previous assignment.
    pub(super) fn open(&self, partition: TopicPartition) -> Arc<Assignment> {
        let assignment = Arc::new(Assignment::new(Arc::clone(&self.trigger), &self.uncommitted));
        if let Some(old) = self.by_partition.lock().insert(partition, Arc::clone(&assignment)) {
            old.close();
        }
        assignment
    }

    pub(super) fn close(&self, partitions: &[TopicPartition]) {
        let mut assignments = self.by_partition.lock();
        for assignment in partitions.iter().filter_map(|partition| assignments.remove(partition)) {
            assignment.close();
        }
    }

    pub(super) fn close_all(&self) {
        for (_, assignment) in self.by_partition.lock().drain() {
            assignment.close();
        }
    }

    /// Takes the finished records of all partitions, up to the size of one commit batch. Partitions
    /// with few finished records come first; the rest of the batch is divided among the others.
    pub(super) fn take_finished(&self) -> Vec<FinishedRecords> {
        self.trigger.reset();
        let mut left = self.trigger.threshold().saturating_mul(BACKLOG_FACTOR);
        let assignments = self.by_partition.lock();
        let mut ready: Vec<_> = assignments
            .iter()
            .map(|(partition, assignment)| (assignment.ready(), partition, assignment))
            .filter(|(count, _, _)| *count > 0)
            .collect();
        ready.sort_unstable_by_key(|(count, _, _)| *count);
        let count = ready.len();
        let taken =
            ready.into_iter().enumerate().filter_map(|(index, (_, partition, assignment))| {
                let limit = left.divided_by(count - index);
                let finished = assignment.take_finished(partition, limit)?;
                left = left.saturating_sub(finished.amount());
                Some(finished)
            });
        taken.collect()
    }

    /// True if a record was dropped without an outcome: its partition cannot go on.
    pub(super) fn is_abandoned(&self) -> bool {
        self.trigger.is_abandoned()
    }

    /// The number of records received and not yet committed, over all partitions.
    pub(super) fn pending_records(&self) -> usize {
        self.by_partition.lock().values().map(|assignment| assignment.pending().records).sum()
    }

    /// The bytes of finished outputs that are not yet committed.
    pub(super) fn uncommitted_bytes(&self) -> &UncommittedBytes {
        &self.uncommitted
    }

    /// True if a record of one of `partitions` is unfinished.
    pub(super) fn has_unfinished(&self, partitions: &[TopicPartition]) -> bool {
        let assignments = self.by_partition.lock();
        partitions
            .iter()
            .filter_map(|partition| assignments.get(partition))
            .any(|assignment| assignment.has_unfinished())
    }

    /// True if a record of any partition is unfinished.
    pub(super) fn has_any_unfinished(&self) -> bool {
        self.by_partition.lock().values().any(|assignment| assignment.has_unfinished())
    }

    /// Ends a [`wait`](Self::wait) early.
    pub(super) fn wake(&self) {
        self.trigger.wake();
    }

    /// Waits until enough records are finished for a commit batch, for `interval` at most.
    pub(super) fn wait(&self, interval: Duration) {
        self.trigger.wait(interval);
    }
}

#[cfg(test)]
mod tests;
