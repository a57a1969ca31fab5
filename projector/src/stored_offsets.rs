//! The stored next offset of each partition, and the selection of records for the next
//! transaction.
//!
//! **Invariant:** an entry is selected only after every earlier record of its partition, from the
//! stored offset on. If the database reports an offset that differs from the remembered offset,
//! the partition needs a seek: no record of it is selected until the reader has moved to the
//! stored offset.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use abacus_kafka::TopicPartition;
use parking_lot::Mutex;

use crate::entry::Entry;

/// Offsets shared by the loop and the rebalance callback, which runs while the loop polls.
pub(crate) type SharedOffsets = Arc<Mutex<StoredOffsets>>;

/// Stored offsets of all partitions that this process reads or has read.
#[derive(Debug, Default)]
pub(crate) struct StoredOffsets {
    partitions: HashMap<TopicPartition, PartitionOffset>,
}

/// Stored offset and read position of one partition.
#[derive(Clone, Copy, Debug)]
struct PartitionOffset {
    /// Next offset in the database; `None` before the first commit.
    stored: Option<i64>,
    /// Smallest offset that the reader may deliver next.
    read_from: i64,
    /// `true` until the reader has moved to `read_from`.
    needs_seek: bool,
}

/// Compare-and-set of the next offset of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OffsetUpdate {
    pub(crate) partition: TopicPartition,
    /// Offset that must be stored before the update; `None` for no row.
    pub(crate) expected: Option<i64>,
    /// Offset after the last record of the batch.
    pub(crate) next: i64,
    /// Time of the newest request of the partition in the batch.
    pub(crate) newest_request: Option<SystemTime>,
}

/// Entries for the next transaction, and the partitions whose topic was re-created.
#[derive(Debug, Default)]
pub(crate) struct Writable {
    pub(crate) entries: Vec<Entry>,
    pub(crate) restarted: Vec<TopicPartition>,
}

impl StoredOffsets {
    /// Records an assignment: the reader starts at `stored`. If the partition was read before, the
    /// loop may still hold records of the earlier assignment, and a seek is needed.
    pub(crate) fn mark_assigned(&mut self, partition: &TopicPartition, stored: Option<i64>) {
        let needs_seek = self.partitions.contains_key(partition);
        self.partitions.insert(
            partition.clone(),
            PartitionOffset { needs_seek, ..PartitionOffset::at(stored) },
        );
    }

    /// Replaces the remembered offset by the offset in the database, after another projector moved
    /// it.
    pub(crate) fn correct(&mut self, partition: &TopicPartition, stored: Option<i64>) {
        if self.stored(partition) != stored {
            self.partitions.insert(
                partition.clone(),
                PartitionOffset { needs_seek: true, ..PartitionOffset::at(stored) },
            );
        }
    }

    /// Records a committed batch.
    pub(crate) fn mark_committed(&mut self, updates: &[OffsetUpdate]) {
        for OffsetUpdate { partition, next, .. } in updates {
            let Some(offset) = self.partitions.get_mut(partition) else { continue };
            offset.stored = Some(*next);
            if !offset.needs_seek {
                offset.read_from = *next;
            }
        }
    }

    /// Returns the remembered next offset in the database.
    pub(crate) fn stored(&self, partition: &TopicPartition) -> Option<i64> {
        self.partitions.get(partition).and_then(|offset| offset.stored)
    }

    /// Returns the partitions and offsets of all pending seeks.
    pub(crate) fn pending_seeks(&self) -> Vec<(TopicPartition, i64)> {
        let pending = self.partitions.iter().filter(|(_, offset)| offset.needs_seek);
        pending.map(|(partition, offset)| (partition.clone(), offset.read_from)).collect()
    }

    /// Records that the reader has moved to the offset of the partition.
    pub(crate) fn mark_sought(&mut self, partition: &TopicPartition) {
        if let Some(offset) = self.partitions.get_mut(partition) {
            offset.needs_seek = false;
        }
    }

    /// Selects the entries for the next transaction, and drops the rest.
    ///
    /// A record before `read_from` means that Kafka no longer has this offset and started at the
    /// beginning: the topic was re-created. The partition is then read from its beginning, and the
    /// stored offset moves back with the next commit. Existing rows stay as they are.
    pub(crate) fn select_writable(&mut self, entries: Vec<Entry>) -> Writable {
        let mut writable = Writable::default();
        for entry in entries {
            let Some(offset) = self.partitions.get_mut(&entry.partition) else { continue };
            if offset.needs_seek {
                continue;
            }
            if entry.offset >= offset.read_from {
                writable.entries.push(entry);
            } else {
                *offset = PartitionOffset { needs_seek: true, read_from: 0, ..*offset };
                writable.restarted.push(entry.partition);
            }
        }
        writable
    }
}

impl PartitionOffset {
    fn at(stored: Option<i64>) -> Self {
        Self { stored, read_from: stored.unwrap_or(0), needs_seek: false }
    }
}

#[cfg(test)]
mod tests;
