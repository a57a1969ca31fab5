//! The lanes of all assigned partitions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::held::Held;
use super::lane::{Amount, Finished, Lane};
use super::ready::Ready;
use crate::record::TopicPartition;

pub(super) struct Lanes {
    by_partition: Mutex<HashMap<TopicPartition, Arc<Lane>>>,
    ready: Arc<Ready>,
    held: Held,
}

impl Lanes {
    /// `enough` is what starts a transaction before its time, and about as much as one takes.
    pub(super) fn new(enough: Amount) -> Self {
        let ready = Arc::new(Ready::new(enough));
        Self { by_partition: Mutex::default(), ready, held: Held::default() }
    }

    /// A new lane for a partition; one it had before is closed.
    pub(super) fn open(&self, partition: TopicPartition) -> Arc<Lane> {
        let lane = Arc::new(Lane::new(Arc::clone(&self.ready), &self.held));
        if let Some(old) = self.by_partition.lock().insert(partition, Arc::clone(&lane)) {
            old.close();
        }
        lane
    }

    pub(super) fn close(&self, partitions: &[TopicPartition]) {
        let mut lanes = self.by_partition.lock();
        for lane in partitions.iter().filter_map(|partition| lanes.remove(partition)) {
            lane.close();
        }
    }

    pub(super) fn close_all(&self) {
        for (_, lane) in self.by_partition.lock().drain() {
            lane.close();
        }
    }

    /// Takes what may be committed now, as much of it as one transaction should hold.
    pub(super) fn take_finished(&self) -> Vec<Finished> {
        self.ready.reset();
        let enough = self.ready.enough();
        let lanes = self.by_partition.lock();
        let count = lanes.len().max(1);
        let share = Amount { records: enough.records / count, bytes: enough.bytes / count };
        lanes.iter().filter_map(|(partition, lane)| lane.take_finished(partition, share)).collect()
    }

    /// Whether a record was dropped without an outcome, so that its partition cannot go on.
    pub(super) fn is_abandoned(&self) -> bool {
        self.ready.is_abandoned()
    }

    /// Records received and not yet committed, over all partitions.
    pub(super) fn pending_records(&self) -> usize {
        self.by_partition.lock().values().map(|lane| lane.pending().records).sum()
    }

    /// The bytes of finished outputs that are not yet committed.
    pub(super) fn held(&self) -> &Held {
        &self.held
    }

    /// Whether a record of one of `partitions` is still being worked on.
    pub(super) fn has_unfinished(&self, partitions: &[TopicPartition]) -> bool {
        let lanes = self.by_partition.lock();
        partitions.iter().filter_map(|partition| lanes.get(partition)).any(|l| l.has_unfinished())
    }

    /// Whether a record of any partition is still being worked on.
    pub(super) fn has_any_unfinished(&self) -> bool {
        self.by_partition.lock().values().any(|lane| lane.has_unfinished())
    }

    /// Ends a wait before its time.
    pub(super) fn wake(&self) {
        self.ready.wake();
    }

    /// Waits until enough is finished for a transaction, or for `interval`.
    pub(super) fn wait(&self, interval: Duration) {
        self.ready.wait(interval);
    }
}

#[cfg(test)]
mod tests;
