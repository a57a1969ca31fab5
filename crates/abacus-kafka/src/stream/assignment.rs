//! One assignment of one partition: its records in offset order, and what has become of them.
//!
//! **Invariant:** once an assignment is closed, what its acks say changes nothing, and nothing of it is
//! counted as held or pending.

use std::sync::Arc;

use parking_lot::Mutex;

use super::commit_trigger::CommitTrigger;
use super::uncommitted::{UncommittedBytes, UncommittedCharge};
use crate::record::{OutboundRecord, TopicPartition};
use crate::tracker::{OffsetTracker, SequenceNumber};

/// The output of one record, if it has any.
type Output = Option<OutboundRecord>;

pub(super) struct Assignment {
    state: Mutex<AssignmentState>,
    trigger: Arc<CommitTrigger>,
}

struct AssignmentState {
    tracker: OffsetTracker<Output>,
    /// What was taken and is not yet committed.
    taken: Amount,
    /// For the outputs in the tracker.
    charge: UncommittedCharge,
    is_closed: bool,
}

/// A number of records and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl Amount {
    /// Whether either part of `limit` is reached.
    pub(super) fn reaches(self, limit: Self) -> bool {
        self.records >= limit.records || self.bytes >= limit.bytes
    }

    /// Whether either part is beyond that of `limit`.
    pub(super) fn exceeds(self, limit: Self) -> bool {
        self.records > limit.records || self.bytes > limit.bytes
    }

    pub(super) fn less(self, other: Self) -> Self {
        Self {
            records: self.records.saturating_sub(other.records),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    pub(super) fn times(self, factor: usize) -> Self {
        let records = self.records.saturating_mul(factor);
        Self { records, bytes: self.bytes.saturating_mul(factor) }
    }

    /// One of `count` equal parts.
    pub(super) fn part(self, count: usize) -> Self {
        let count = count.max(1);
        Self { records: self.records / count, bytes: self.bytes / count }
    }

    pub(super) fn half(self) -> Self {
        self.part(2)
    }
}

/// What one assignment has to commit. It counts as pending and as held until it is dropped.
pub(super) struct Finished {
    pub(super) partition: TopicPartition,
    pub(super) outputs: Vec<OutboundRecord>,
    /// The offset to go on from.
    pub(super) next_offset: i64,
    /// The assignment had more finished records than were to be taken.
    pub(super) has_more: bool,
    received: Amount,
    assignment: Arc<Assignment>,
    charge: UncommittedCharge,
}

impl Finished {
    /// What it takes of a transaction's room: records, and bytes of outputs.
    pub(super) fn taken(&self) -> Amount {
        Amount { records: self.received.records, bytes: self.charge.bytes() }
    }

    /// False once the partition has changed hands: then nothing of it may be committed.
    pub(super) fn is_current(&self) -> bool {
        self.assignment.is_open()
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        self.assignment.release(self.received);
    }
}

/// The duty to finish one record.
#[must_use = "a record whose ack is dropped fails the stream"]
pub struct AckHandle {
    assignment: Arc<Assignment>,
    number: SequenceNumber,
    is_finished: bool,
}

impl AckHandle {
    /// The record is dealt with, and `output`, if any, is to be published with its offset. Ignored
    /// if the partition has changed hands since: whoever has it now does the record again.
    pub fn finish(mut self, output: Option<OutboundRecord>) {
        self.is_finished = true;
        self.assignment.finish(self.number, output);
    }

    /// False once the partition has changed hands: the record is read again, and work on it here
    /// is for nothing.
    pub fn is_current(&self) -> bool {
        self.assignment.is_open()
    }

    /// Whether every record of the partition before this one is on its way to being committed: the
    /// next commit waits for this one.
    pub fn is_first(&self) -> bool {
        self.assignment.state.lock().tracker.is_first(self.number)
    }
}

impl Drop for AckHandle {
    /// A record that never finishes would hold its partition up in silence: the stream fails
    /// instead, and the record is read again.
    fn drop(&mut self) {
        if !self.is_finished && self.is_current() {
            self.assignment.trigger.mark_abandoned();
        }
    }
}

impl Assignment {
    pub(super) fn new(trigger: Arc<CommitTrigger>, uncommitted: &UncommittedBytes) -> Self {
        let state = AssignmentState {
            tracker: OffsetTracker::default(),
            taken: Amount::default(),
            charge: uncommitted.charge(),
            is_closed: false,
        };
        Self { state: Mutex::new(state), trigger }
    }

    /// Takes note of a record, and says how much is pending with it.
    pub(super) fn receive(self: &Arc<Self>, offset: i64, bytes: usize) -> (AckHandle, Amount) {
        let mut state = self.state.lock();
        let number = state.tracker.receive(offset, bytes);
        let pending = state.pending();
        (AckHandle { assignment: Arc::clone(self), number, is_finished: false }, pending)
    }

    /// What was received and is not yet committed.
    pub(super) fn pending(&self) -> Amount {
        self.state.lock().pending()
    }

    /// How many records could be taken.
    pub(super) fn ready(&self) -> usize {
        self.state.lock().tracker.ready()
    }

    pub(super) fn has_unfinished(&self) -> bool {
        self.state.lock().tracker.has_unfinished()
    }

    fn is_open(&self) -> bool {
        !self.state.lock().is_closed
    }

    fn finish(&self, number: SequenceNumber, output: Output) {
        let bytes = size(&output);
        let mut state = self.state.lock();
        if !state.is_closed && state.tracker.finish(number, output) {
            state.charge.add(bytes);
            drop(state);
            self.trigger.add(bytes);
        }
    }

    /// Takes finished records from the front: at least one, if there is one, and then as many as
    /// `batch` has room for, their outputs counted.
    pub(super) fn take_finished(
        self: &Arc<Self>,
        partition: &TopicPartition,
        batch: Amount,
    ) -> Option<Finished> {
        let mut state = self.state.lock();
        let mut outputs = Vec::with_capacity(state.tracker.ready().min(batch.records));
        let mut next_offset = 0;
        let mut received = Amount::default();
        let mut uncommitted = 0;
        while received.records < batch.records.max(1)
            && (uncommitted < batch.bytes || received.records == 0)
            && let Some(taken) = state.tracker.take_next()
        {
            received.records += 1;
            received.bytes += taken.bytes;
            uncommitted += size(&taken.outcome);
            next_offset = taken.offset + 1;
            outputs.extend(taken.outcome);
        }
        if received.records == 0 {
            return None;
        }
        state.taken.records += received.records;
        state.taken.bytes += received.bytes;
        let charge = state.charge.split(uncommitted);
        let has_more = state.tracker.ready() > 0;
        drop(state);
        let (partition, assignment) = (partition.clone(), Arc::clone(self));
        Some(Finished { partition, outputs, next_offset, has_more, received, assignment, charge })
    }

    /// A transaction with this part of the assignment's records has ended.
    fn release(&self, received: Amount) {
        let mut state = self.state.lock();
        if !state.is_closed {
            state.taken.records -= received.records;
            state.taken.bytes -= received.bytes;
        }
    }

    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.taken = Amount::default();
        let tracker = std::mem::take(&mut state.tracker);
        let charge = state.charge.take();
        drop(state);
        // Freed without the lock: there may be much of it.
        drop((tracker, charge));
    }
}

impl AssignmentState {
    fn pending(&self) -> Amount {
        Amount {
            records: self.tracker.len() + self.taken.records,
            bytes: self.tracker.bytes() + self.taken.bytes,
        }
    }
}

fn size(output: &Output) -> usize {
    output.as_ref().map_or(0, OutboundRecord::size)
}
