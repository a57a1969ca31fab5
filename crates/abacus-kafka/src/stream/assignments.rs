//! The assignments of all assigned partitions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::assignment::{Amount, Assignment, Finished};
use super::commit_trigger::CommitTrigger;
use super::uncommitted::UncommittedBytes;
use crate::record::TopicPartition;

/// How much more than what starts a transaction one takes if there is a backlog: the more it takes,
/// the less its fixed cost counts.
const BACKLOG_FACTOR: usize = 4;

pub(super) struct Assignments {
    by_partition: Mutex<HashMap<TopicPartition, Arc<Assignment>>>,
    trigger: Arc<CommitTrigger>,
    uncommitted: UncommittedBytes,
}

impl Assignments {
    /// `enough` is what starts a transaction before its time.
    pub(super) fn new(enough: Amount) -> Self {
        let trigger = Arc::new(CommitTrigger::new(enough));
        Self { by_partition: Mutex::default(), trigger, uncommitted: UncommittedBytes::default() }
    }

    /// A new assignment for a partition; one it had before is closed.
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

    /// Takes what may be committed now, as much of it as one transaction should hold. Assignments with
    /// little go first, so that those with much batch the room that is left.
    pub(super) fn take_finished(&self) -> Vec<Finished> {
        self.trigger.reset();
        let mut room = self.trigger.enough().times(BACKLOG_FACTOR);
        let assignments = self.by_partition.lock();
        let mut assignments: Vec<_> = assignments
            .iter()
            .map(|(partition, assignment)| (assignment.ready(), partition, assignment))
            .filter(|(ready, _, _)| *ready > 0)
            .collect();
        assignments.sort_unstable_by_key(|(ready, _, _)| *ready);
        let count = assignments.len();
        let batches = assignments.into_iter().enumerate().filter_map(
            |(index, (_, partition, assignment))| {
                let finished = assignment.take_finished(partition, room.part(count - index))?;
                room = room.less(finished.taken());
                Some(finished)
            },
        );
        batches.collect()
    }

    /// Whether a record was dropped without an outcome, so that its partition cannot go on.
    pub(super) fn is_abandoned(&self) -> bool {
        self.trigger.is_abandoned()
    }

    /// Records received and not yet committed, over all partitions.
    pub(super) fn pending_records(&self) -> usize {
        self.by_partition.lock().values().map(|assignment| assignment.pending().records).sum()
    }

    /// The bytes of finished outputs that are not yet committed.
    pub(super) fn uncommitted_bytes(&self) -> &UncommittedBytes {
        &self.uncommitted
    }

    /// Whether a record of one of `partitions` is still being worked on.
    pub(super) fn has_unfinished(&self, partitions: &[TopicPartition]) -> bool {
        let assignments = self.by_partition.lock();
        partitions
            .iter()
            .filter_map(|partition| assignments.get(partition))
            .any(|assignment| assignment.has_unfinished())
    }

    /// Whether a record of any partition is still being worked on.
    pub(super) fn has_any_unfinished(&self) -> bool {
        self.by_partition.lock().values().any(|assignment| assignment.has_unfinished())
    }

    /// Ends a wait before its time.
    pub(super) fn wake(&self) {
        self.trigger.wake();
    }

    /// Waits until enough is finished for a transaction, or for `interval`.
    pub(super) fn wait(&self, interval: Duration) {
        self.trigger.wait(interval);
    }
}

#[cfg(test)]
mod tests;
