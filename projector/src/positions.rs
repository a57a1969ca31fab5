//! Where each partition stands: what the database has of it, and which records may be written next.
//!
//! **Invariant:** an entry is let through only if every record between the stored offset and it has
//! been let through before it. So a partition whose stored offset turns out to be another than
//! was known goes *astray*: nothing of it passes until the reader has been sent to that offset.

use std::collections::HashMap;
use std::sync::Arc;

use abacus_kafka::TopicPartition;
use parking_lot::Mutex;

use crate::batch::Move;
use crate::entry::Entry;

/// The positions, shared by the loop and by the assignment of partitions inside of its polling.
pub(crate) type SharedPositions = Arc<Mutex<Positions>>;

/// What is known of the partitions that this process reads or has read.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    known: HashMap<TopicPartition, Position>,
}

#[derive(Clone, Copy, Debug)]
struct Position {
    /// The next offset in the database; `None` if it has none.
    stored: Option<i64>,
    /// The offset that the reader was, or is to be, sent to.
    floor: i64,
    astray: bool,
}

/// The entries that may be written, and the partitions whose log turned out to begin again.
#[derive(Debug, Default)]
pub(crate) struct Admitted {
    pub(crate) entries: Vec<Entry>,
    pub(crate) restarted: Vec<TopicPartition>,
}

impl Positions {
    /// A partition is being assigned and read from `stored` on. If it was read before, records from
    /// then may still be in hand.
    pub(crate) fn assigned(&mut self, partition: &TopicPartition, stored: Option<i64>) {
        let astray = self.known.contains_key(partition);
        self.known.insert(partition.clone(), Position { astray, ..Position::at(stored) });
    }

    /// The database has another offset than was known: somebody else moved it.
    pub(crate) fn correct(&mut self, partition: &TopicPartition, stored: Option<i64>) {
        if self.stored(partition) != stored {
            self.known.insert(partition.clone(), Position { astray: true, ..Position::at(stored) });
        }
    }

    /// The database has taken a batch.
    pub(crate) fn moved(&mut self, moves: &[Move]) {
        for Move { partition, next, .. } in moves {
            let Some(position) = self.known.get_mut(partition) else { continue };
            position.stored = Some(*next);
            if !position.astray {
                position.floor = *next;
            }
        }
    }

    /// The next offset that the database is known to have.
    pub(crate) fn stored(&self, partition: &TopicPartition) -> Option<i64> {
        self.known.get(partition).and_then(|position| position.stored)
    }

    /// The partitions that the reader has to be sent to an offset of.
    pub(crate) fn astray(&self) -> Vec<(TopicPartition, i64)> {
        let astray = self.known.iter().filter(|(_, position)| position.astray);
        astray.map(|(partition, position)| (partition.clone(), position.floor)).collect()
    }

    /// The reader has been sent to the partition's offset.
    pub(crate) fn found(&mut self, partition: &TopicPartition) {
        if let Some(position) = self.known.get_mut(partition) {
            position.astray = false;
        }
    }

    /// Lets those entries through that are to be written next.
    ///
    /// A record before the offset that the reader was sent to means that Kafka did not have that
    /// offset and began at the beginning: the topic was made anew. It is then read from there, and
    /// the stored offset goes back with it; rows that are there already stay as they are.
    pub(crate) fn admit(&mut self, entries: Vec<Entry>) -> Admitted {
        let mut admitted = Admitted::default();
        for entry in entries {
            let Some(position) = self.known.get_mut(&entry.partition) else { continue };
            if position.astray {
                continue;
            }
            if entry.offset >= position.floor {
                admitted.entries.push(entry);
            } else {
                *position = Position { astray: true, floor: 0, ..*position };
                admitted.restarted.push(entry.partition);
            }
        }
        admitted
    }
}

impl Position {
    fn at(stored: Option<i64>) -> Self {
        Self { stored, floor: stored.unwrap_or(0), astray: false }
    }
}

#[cfg(test)]
mod tests;
