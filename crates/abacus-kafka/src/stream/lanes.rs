//! The lanes of all assigned partitions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::held::Held;
use super::lane::{Amount, Finished, Lane};
use super::ready::Ready;
use crate::record::TopicPartition;

/// How much more than what starts a transaction one takes if there is a backlog: the more it takes,
/// the less its fixed cost counts.
const BACKLOG_FACTOR: usize = 4;

pub(super) struct Lanes {
    by_partition: Mutex<HashMap<TopicPartition, Arc<Lane>>>,
    ready: Arc<Ready>,
    held: Held,
}

impl Lanes {
    /// `enough` is what starts a transaction before its time.
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

    /// Takes what may be committed now, as much of it as one transaction should hold. Lanes with
    /// little go first, so that those with much share the room that is left.
    pub(super) fn take_finished(&self) -> Vec<Finished> {
        self.ready.reset();
        let mut room = self.ready.enough().times(BACKLOG_FACTOR);
        let lanes = self.by_partition.lock();
        let mut lanes: Vec<_> = lanes
            .iter()
            .map(|(partition, lane)| (lane.ready(), partition, lane))
            .filter(|(ready, _, _)| *ready > 0)
            .collect();
        lanes.sort_unstable_by_key(|(ready, _, _)| *ready);
        let count = lanes.len();
        let shares = lanes.into_iter().enumerate().filter_map(|(index, (_, partition, lane))| {
            let finished = lane.take_finished(partition, room.part(count - index))?;
            room = room.less(finished.taken());
            Some(finished)
        });
        shares.collect()
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
