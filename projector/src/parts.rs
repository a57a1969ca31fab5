//! The search for the record at fault in a refused batch: the batch is halved until the record
//! stands alone, and a rejection is written in place of the row.

use crate::batch::Batch;
use crate::entry::{Content, Entry, Rejection, SkipReason};

/// Longest explanation of a rejection, in bytes.
const MAX_DETAIL_BYTES: usize = 500;

/// Reason why a part of a batch was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Postgres named a value as the reason.
    Value(String),
    /// Every attempt ended without an answer, and Postgres answered in between.
    Unanswered(String),
}

/// Parts of a batch that are still to be written, in reading order.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Next part last.
    stack: Vec<Vec<Entry>>,
    /// `true` until a part was refused.
    is_whole: bool,
    /// `true` after an unanswered part: a record is suspected, and larger parts are halved after
    /// their first failure.
    is_searching: bool,
}

impl Parts {
    pub(crate) fn whole(entries: Vec<Entry>) -> Self {
        Self { stack: vec![entries], is_whole: true, is_searching: false }
    }

    pub(crate) fn next(&mut self) -> Option<Vec<Entry>> {
        self.stack.pop()
    }

    /// Returns `true` until a part was refused.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Returns the number of unanswered attempts after which a part of `entries` records counts as
    /// refused, where `attempts` is the number for a batch.
    pub(crate) fn attempts(&self, entries: usize, attempts: u32) -> u32 {
        if self.is_searching && entries > 1 { 1 } else { attempts }
    }

    /// Puts a refused batch back in two halves. A single record is put back as rejected.
    pub(crate) fn refuse(&mut self, batch: Batch, refusal: &Refusal) {
        self.is_whole = false;
        self.is_searching |= matches!(refusal, Refusal::Unanswered(_));
        let mut first = batch.into_entries();
        if first.len() < 2 {
            self.stack.push(first.into_iter().map(|entry| rejected(entry, refusal)).collect());
            return;
        }
        let second = first.split_off(first.len() / 2);
        self.stack.extend([second, first]);
    }
}

/// Replaces the row of a refused record by its rejection. A refused rejection is replaced by the
/// row if Postgres did not answer, because the row was not at fault. If Postgres names a value of
/// the rejection, nothing is left to write but the offset.
fn rejected(entry: Entry, refusal: &Refusal) -> Entry {
    let (reason, text) = match refusal {
        Refusal::Value(text) => (SkipReason::Refused, text),
        Refusal::Unanswered(text) => (SkipReason::Unwritable, text),
    };
    let rejection = |request_id, row| {
        let (detail, row) = (detail(text), Some(Box::new(row)));
        Content::Rejected(Rejection { request_id, reason, detail, row })
    };
    let content = match (entry.content, refusal) {
        (Content::Requested(row), _) => rejection(row.request_id, Content::Requested(row)),
        (Content::Completed(row), _) => rejection(row.request_id, Content::Completed(row)),
        (Content::Rejected(Rejection { row: Some(row), .. }), Refusal::Unanswered(_)) => *row,
        (Content::Rejected(rejected), Refusal::Value(_)) => Content::Skipped(rejected.reason),
        (unchanged, _) => unchanged,
    };
    Entry { content, ..entry }
}

/// Returns an explanation that Postgres can hold.
fn detail(text: &str) -> String {
    let mut text = text.replace('\0', "\u{FFFD}");
    text.truncate(text.floor_char_boundary(MAX_DETAIL_BYTES));
    text
}

#[cfg(test)]
mod tests;
