//! The assignment of a partition to this instance: records in offset order, with outcomes.
//!
//! **Invariant:** after an assignment is closed, its ack handles have no effect, and its records and
//! bytes no longer count as pending or uncommitted.

use std::sync::Arc;

use parking_lot::Mutex;

use super::amount::Amount;
use super::commit_trigger::CommitTrigger;
use super::uncommitted::{UncommittedBytes, UncommittedCharge};
use crate::record::{OutboundRecord, TopicPartition};
use crate::tracker::{OffsetTracker, SequenceNumber};

/// The output of one record, if there is any.
type Output = Option<OutboundRecord>;

pub(super) struct Assignment {
    state: Mutex<AssignmentState>,
    trigger: Arc<CommitTrigger>,
}

struct AssignmentState {
    tracker: OffsetTracker<Output>,
    /// Records in commit batches that have not ended.
    in_flight: Amount,
    /// The charge for the outputs in the tracker.
    charge: UncommittedCharge,
    is_closed: bool,
}

/// Finished records of one assignment, taken for a commit batch. The records count as pending and as
/// uncommitted until this value is dropped.
pub(super) struct FinishedRecords {
    pub(super) partition: TopicPartition,
    pub(super) outputs: Vec<OutboundRecord>,
    /// The offset after the last record: the offset to commit.
    pub(super) next_offset: i64,
    /// The assignment has more finished records than the limit allowed to take.
    pub(super) has_more: bool,
    received: Amount,
    assignment: Arc<Assignment>,
    charge: UncommittedCharge,
}

impl FinishedRecords {
    /// The number of records, and the bytes of their outputs.
    pub(super) fn amount(&self) -> Amount {
        Amount { records: self.received.records, bytes: self.charge.bytes() }
    }

    /// False once the partition has been revoked or rewound: these records must not be committed.
    pub(super) fn is_current(&self) -> bool {
        self.assignment.is_open()
    }
}

impl Drop for FinishedRecords {
    fn drop(&mut self) {
        self.assignment.release(self.received);
    }
}

/// The obligation to finish a record.
#[must_use = "dropping an unfinished ack handle fails the stream"]
pub struct AckHandle {
    assignment: Arc<Assignment>,
    number: SequenceNumber,
    is_finished: bool,
}

impl AckHandle {
    /// Marks the record as processed. `output`, if any, is published together with the offset. Has no
    /// effect if the partition was revoked or rewound: its current owner processes the record again.
    pub fn finish(mut self, output: Option<OutboundRecord>) {
        self.is_finished = true;
        self.assignment.finish(self.number, output);
    }

    /// False once the partition has been revoked or rewound: the record is read again, and work on
    /// it here is wasted.
    pub fn is_current(&self) -> bool {
        self.assignment.is_open()
    }

    /// True if every earlier record of the partition is already in a commit batch: the partition's
    /// next commit waits for this record.
    pub fn is_first(&self) -> bool {
        self.assignment.state.lock().tracker.is_first(self.number)
    }
}

impl Drop for AckHandle {
    /// Fails the stream if the record is unfinished: the record is then read again. A record that
    /// never finishes would otherwise block its partition without a sign.
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
            in_flight: Amount::default(),
            charge: uncommitted.charge(),
            is_closed: false,
        };
        Self { state: Mutex::new(state), trigger }
    }

    /// Registers a record. Returns its ack handle, and the pending amount including the record.
    pub(super) fn receive(self: &Arc<Self>, offset: i64, bytes: usize) -> (AckHandle, Amount) {
        let mut state = self.state.lock();
        let number = state.tracker.receive(offset, bytes);
        let pending = state.pending();
        (AckHandle { assignment: Arc::clone(self), number, is_finished: false }, pending)
    }

    /// Records received and not yet committed.
    pub(super) fn pending(&self) -> Amount {
        self.state.lock().pending()
    }

    /// The number of records that can be committed.
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

    /// Takes finished records from the front, up to `limit` in records and in bytes of outputs, but
    /// at least one. Returns `None` if the first record is unfinished.
    pub(super) fn take_finished(
        self: &Arc<Self>,
        partition: &TopicPartition,
        limit: Amount,
    ) -> Option<FinishedRecords> {
        let mut state = self.state.lock();
        let mut outputs = Vec::with_capacity(state.tracker.ready().min(limit.records));
        let mut next_offset = 0;
        let mut received = Amount::default();
        let mut output_bytes = 0;
        while received.records < limit.records.max(1)
            && (output_bytes < limit.bytes || received.records == 0)
            && let Some(record) = state.tracker.take_next()
        {
            received.records += 1;
            received.bytes += record.bytes;
            output_bytes += size(&record.outcome);
            next_offset = record.offset + 1;
            outputs.extend(record.outcome);
        }
        if received.records == 0 {
            return None;
        }
        state.in_flight.records += received.records;
        state.in_flight.bytes += received.bytes;
        let charge = state.charge.split(output_bytes);
        let has_more = state.tracker.ready() > 0;
        drop(state);
        let (partition, assignment) = (partition.clone(), Arc::clone(self));
        Some(FinishedRecords {
            partition,
            outputs,
            next_offset,
            has_more,
            received,
            assignment,
            charge,
        })
    }

    /// Ends the counting of records as pending, once their commit batch has ended.
    fn release(&self, received: Amount) {
        let mut state = self.state.lock();
        if !state.is_closed {
            state.in_flight.records -= received.records;
            state.in_flight.bytes -= received.bytes;
        }
    }

    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.in_flight = Amount::default();
        let tracker = std::mem::take(&mut state.tracker);
        let charge = state.charge.take();
        drop(state);
        // Freed after the lock is released: the outputs may be large.
        drop((tracker, charge));
    }
}

impl AssignmentState {
    fn pending(&self) -> Amount {
        Amount {
            records: self.tracker.len() + self.in_flight.records,
            bytes: self.tracker.bytes() + self.in_flight.bytes,
        }
    }
}

fn size(output: &Output) -> usize {
    output.as_ref().map_or(0, OutboundRecord::size)
}
