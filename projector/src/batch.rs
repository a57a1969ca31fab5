//! The entries of one transaction, and the search for a refused record: after Postgres refuses a
//! value, the batch is halved until the record stands alone.

use std::collections::{BTreeMap, HashMap};

use abacus_kafka::TopicPartition;
use uuid::Uuid;

use crate::entry::{Content, Entry, SkipReason};
use crate::row::{CompletedRow, RequestedRow, Row};
use crate::stored_offsets::{OffsetUpdate, StoredOffsets};

/// Entries of one transaction, in reading order.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    entries: Vec<Entry>,
}

/// Rows of one table, without repeated request ids.
#[derive(Debug)]
pub(crate) struct Unique<'a, R> {
    /// First row of each request id.
    pub(crate) rows: Vec<&'a R>,
    /// Request ids of later rows with different content.
    pub(crate) conflicts: Vec<Uuid>,
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
        let mut last: BTreeMap<&TopicPartition, i64> = BTreeMap::new();
        for entry in &self.entries {
            let offset = last.entry(&entry.partition).or_insert(entry.offset);
            *offset = entry.offset.max(*offset);
        }
        last.into_iter()
            .map(|(partition, last)| OffsetUpdate {
                partition: partition.clone(),
                expected: offsets.stored(partition),
                next: last + 1,
            })
            .collect()
    }

    pub(crate) fn requested(&self) -> Unique<'_, RequestedRow> {
        Unique::of(self.entries.iter().filter_map(|entry| match &entry.content {
            Content::Requested(row) => Some(row),
            Content::Completed(_) | Content::Skipped(_) => None,
        }))
    }

    pub(crate) fn completed(&self) -> Unique<'_, CompletedRow> {
        Unique::of(self.entries.iter().filter_map(|entry| match &entry.content {
            Content::Completed(row) => Some(row),
            Content::Requested(_) | Content::Skipped(_) => None,
        }))
    }
}

impl<'a, R: Row> Unique<'a, R> {
    /// Keeps the first row of each request. A statement cannot insert the same key twice.
    fn of(all: impl Iterator<Item = &'a R>) -> Self {
        let mut first: HashMap<Uuid, &R> = HashMap::new();
        let mut unique = Self { rows: Vec::new(), conflicts: Vec::new() };
        for row in all {
            match first.get(&row.request_id()) {
                Some(earlier) if earlier.agrees_with(row) => {}
                Some(_) => unique.conflicts.push(row.request_id()),
                None => {
                    first.insert(row.request_id(), row);
                    unique.rows.push(row);
                }
            }
        }
        unique
    }
}

/// Parts of a batch that are still to be written, in reading order.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Next part last.
    stack: Vec<Vec<Entry>>,
}

impl Parts {
    pub(crate) fn whole(entries: Vec<Entry>) -> Self {
        Self { stack: vec![entries] }
    }

    pub(crate) fn next(&mut self) -> Option<Vec<Entry>> {
        self.stack.pop()
    }

    /// Puts a refused batch back in two halves. A single record is put back as skipped, and its
    /// partition and offset are returned.
    pub(crate) fn refuse(&mut self, batch: Batch) -> Option<(TopicPartition, i64)> {
        let mut first = batch.into_entries();
        if let [only] = first.as_mut_slice() {
            let skipped = (only.partition.clone(), only.offset);
            only.content = Content::Skipped(SkipReason::Refused);
            self.stack.push(first);
            return Some(skipped);
        }
        let second = first.split_off(first.len() / 2);
        self.stack.extend([second, first]);
        None
    }
}

#[cfg(test)]
mod tests;
