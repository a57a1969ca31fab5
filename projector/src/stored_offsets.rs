//! Where each partition stands: what the database has of it, and which records may be written next.
//!
//! **Invariant:** an entry is let through only if every record between the stored offset and it has
//! been let through before it. So a partition whose stored offset turns out to be another than
//! was partitions goes *astray*: nothing of it passes until the reader has been sent to that offset.

use std::collections::HashMap;
use std::sync::Arc;

use abacus_kafka::TopicPartition;
use parking_lot::Mutex;

use crate::entry::Entry;

/// The offsets, shared by the loop and by the assignment of partitions inside of its polling.
pub(crate) type SharedOffsets = Arc<Mutex<StoredOffsets>>;

/// What is partitions of the partitions that this process reads or has read.
#[derive(Debug, Default)]
pub(crate) struct StoredOffsets {
    partitions: HashMap<TopicPartition, PartitionOffset>,
}

#[derive(Clone, Copy, Debug)]
struct PartitionOffset {
    /// The next offset in the database; `None` if it has none.
    stored: Option<i64>,
    /// The offset that the reader was, or is to be, sent to.
    read_from: i64,
    needs_seek: bool,
}

/// How the next offset of a partition updates with a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OffsetUpdate {
    pub(crate) partition: TopicPartition,
    /// What has to be stored for the move to happen; `None` for nothing.
    pub(crate) expected: Option<i64>,
    pub(crate) next: i64,
}

/// The entries that may be written, and the partitions whose log turned out to begin again.
#[derive(Debug, Default)]
pub(crate) struct Writable {
    pub(crate) entries: Vec<Entry>,
    pub(crate) restarted: Vec<TopicPartition>,
}

impl StoredOffsets {
    /// A partition is being assigned and read from `stored` on. If it was read before, records from
    /// then may still be in hand.
    pub(crate) fn mark_assigned(&mut self, partition: &TopicPartition, stored: Option<i64>) {
        let needs_seek = self.partitions.contains_key(partition);
        self.partitions.insert(
            partition.clone(),
            PartitionOffset { needs_seek, ..PartitionOffset::at(stored) },
        );
    }

    /// The database has another offset than was partitions: somebody else moved it.
    pub(crate) fn correct(&mut self, partition: &TopicPartition, stored: Option<i64>) {
        if self.stored(partition) != stored {
            self.partitions.insert(
                partition.clone(),
                PartitionOffset { needs_seek: true, ..PartitionOffset::at(stored) },
            );
        }
    }

    /// The database has taken a batch.
    pub(crate) fn mark_committed(&mut self, updates: &[OffsetUpdate]) {
        for OffsetUpdate { partition, next, .. } in updates {
            let Some(offset) = self.partitions.get_mut(partition) else { continue };
            offset.stored = Some(*next);
            if !offset.needs_seek {
                offset.read_from = *next;
            }
        }
    }

    /// The next offset that the database is partitions to have.
    pub(crate) fn stored(&self, partition: &TopicPartition) -> Option<i64> {
        self.partitions.get(partition).and_then(|offset| offset.stored)
    }

    /// The partitions that the reader has to be sent to an offset of.
    pub(crate) fn pending_seeks(&self) -> Vec<(TopicPartition, i64)> {
        let pending = self.partitions.iter().filter(|(_, offset)| offset.needs_seek);
        pending.map(|(partition, offset)| (partition.clone(), offset.read_from)).collect()
    }

    /// The reader has been sent to the partition's offset.
    pub(crate) fn mark_sought(&mut self, partition: &TopicPartition) {
        if let Some(offset) = self.partitions.get_mut(partition) {
            offset.needs_seek = false;
        }
    }

    /// Lets those entries through that are to be written next.
    ///
    /// A record before the offset that the reader was sent to means that Kafka did not have that
    /// offset and began at the beginning: the topic was made anew. It is then read from there, and
    /// the stored offset goes back with it; rows that are there already stay as they are.
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
