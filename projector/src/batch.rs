//! The entries of one transaction.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::time::SystemTime;

use abacus_kafka::TopicPartition;

use crate::authorship::Authorship;
use crate::entry::{Content, Entry, Rejection};
use crate::row::{CompletedRow, RequestedRow, Row};
use crate::stored_offsets::{OffsetUpdate, StoredOffsets};

/// Entries of one transaction, in reading order.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    entries: Vec<Entry>,
}

/// Rows of one table, without repeated keys.
#[derive(Debug)]
pub(crate) struct Unique<'a, R> {
    /// First row of each key, or a later row of higher rank.
    pub(crate) rows: Vec<&'a R>,
    /// Further rows, with different content.
    pub(crate) conflicts: Vec<&'a R>,
}

impl Batch {
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// Returns one update for each partition, sorted by partition. The next offset follows the
    /// last record; gaps, for example of transaction markers, are skipped.
    pub(crate) fn offset_updates(&self, offsets: &StoredOffsets) -> Vec<OffsetUpdate> {
        let mut last: BTreeMap<&TopicPartition, (i64, Option<SystemTime>)> = BTreeMap::new();
        for entry in &self.entries {
            let (offset, newest) = last.entry(&entry.partition).or_insert((entry.offset, None));
            *offset = entry.offset.max(*offset);
            if let Content::Requested(row) = &entry.content {
                *newest = Some(row.time_in_log()).max(*newest);
            }
        }
        last.into_iter()
            .map(|(partition, (last, newest_request))| OffsetUpdate {
                partition: partition.clone(),
                expected: offsets.stored(partition),
                next: last + 1,
                newest_request,
            })
            .collect()
    }

    pub(crate) fn requested(&self) -> Unique<'_, RequestedRow> {
        Unique::of(self.entries.iter().filter_map(|entry| match &entry.content {
            Content::Requested(row) => Some(row),
            _ => None,
        }))
    }

    pub(crate) fn completed(&self) -> Unique<'_, CompletedRow> {
        Unique::of(self.entries.iter().filter_map(|entry| match &entry.content {
            Content::Completed(row) => Some(row),
            _ => None,
        }))
    }

    /// Returns the requests with a wrong signature.
    pub(crate) fn forged(&self) -> impl Iterator<Item = &RequestedRow> {
        self.entries.iter().filter_map(|entry| match &entry.content {
            Content::Requested(row) if row.authorship == Authorship::Forged => Some(row),
            _ => None,
        })
    }

    /// Returns the records without a row whose rejection is to be written.
    pub(crate) fn rejected<'a>(&'a self) -> Vec<(&'a Entry, &'a Rejection)> {
        let rejection = |entry: &'a Entry| match &entry.content {
            Content::Rejected(rejection) => Some((entry, rejection)),
            _ => None,
        };
        self.entries.iter().filter_map(rejection).collect()
    }
}

impl<'a, R: Row> Unique<'a, R> {
    /// Keeps the first row of each key, or a later row of higher rank. A statement cannot insert a
    /// key twice.
    fn of(all: impl Iterator<Item = &'a R>) -> Self {
        let mut kept: HashMap<R::Key, usize> = HashMap::new();
        let mut unique = Self { rows: Vec::new(), conflicts: Vec::new() };
        for row in all {
            let index = *kept.entry(row.key()).or_insert(unique.rows.len());
            let Some(place) = unique.rows.get_mut(index) else {
                unique.rows.push(row);
                continue;
            };
            let later = if row.outranks(place) { mem::replace(place, row) } else { row };
            if !later.agrees_with(place) {
                unique.conflicts.push(later);
            }
        }
        unique
    }
}

#[cfg(test)]
mod tests;
