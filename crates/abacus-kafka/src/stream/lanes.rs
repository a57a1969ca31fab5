//! One lane for each assigned partition: its records in offset order, and what has become of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::record::{OutboundRecord, TopicPartition};
use crate::tracker::{OffsetTracker, Slot};

/// The output of one record, if it has any.
type Output = Option<OutboundRecord>;

pub(super) struct Lanes {
    by_partition: Mutex<HashMap<TopicPartition, Arc<Lane>>>,
    ready: Arc<Ready>,
}

/// One assignment of one partition.
pub(super) struct Lane {
    state: Mutex<LaneState>,
    ready: Arc<Ready>,
}

#[derive(Default)]
struct LaneState {
    tracker: OffsetTracker<Output>,
    closed: bool,
}

/// How much has finished since the last transaction, and whom to wake when it is enough for one.
struct Ready {
    records: AtomicUsize,
    bytes: AtomicUsize,
    enough_records: usize,
    enough_bytes: usize,
    woken: Mutex<bool>,
    wake: Condvar,
    /// A record was dropped without an outcome.
    is_abandoned: AtomicBool,
}

/// What one lane has to commit.
pub(super) struct Finished {
    pub(super) partition: TopicPartition,
    pub(super) outputs: Vec<OutboundRecord>,
    pub(super) records: usize,
    /// The offset to go on from.
    pub(super) next_offset: i64,
}

/// A lane's part of what one transaction takes.
#[derive(Clone, Copy)]
struct Share {
    records: usize,
    bytes: usize,
}

/// The duty to finish one record.
#[must_use = "a record whose ticket is dropped fails the stream"]
pub struct Ticket {
    lane: Arc<Lane>,
    slot: Slot,
    is_finished: bool,
}

impl Ticket {
    /// The record is dealt with, and `output`, if any, is to be published with its offset. Ignored
    /// if the partition has changed hands since: whoever has it now does the record again.
    pub fn finish(mut self, output: Option<OutboundRecord>) {
        self.is_finished = true;
        self.lane.finish(self.slot, output);
    }

    /// False once the partition has changed hands: the record is read again, and work on it here
    /// is for nothing.
    pub fn is_current(&self) -> bool {
        !self.lane.state.lock().closed
    }
}

impl Drop for Ticket {
    /// A record that never finishes would hold its partition up in silence: the stream fails
    /// instead, and the record is read again.
    fn drop(&mut self) {
        if !self.is_finished && self.is_current() {
            self.lane.ready.is_abandoned.store(true, Ordering::Release);
        }
    }
}

impl Lane {
    fn finish(&self, slot: Slot, output: Output) {
        let bytes = output.as_ref().map_or(0, OutboundRecord::size);
        let mut state = self.state.lock();
        if !state.closed && state.tracker.finish(slot, output) {
            drop(state);
            self.ready.add(bytes);
        }
    }

    pub(super) fn receive(self: &Arc<Self>, offset: i64) -> Ticket {
        let slot = self.state.lock().tracker.receive(offset);
        Ticket { lane: Arc::clone(self), slot, is_finished: false }
    }

    /// Records received and not yet taken for a transaction.
    pub(super) fn backlog(&self) -> usize {
        self.state.lock().tracker.len()
    }

    fn has_unfinished(&self) -> bool {
        let state = self.state.lock();
        !state.closed && state.tracker.has_unfinished()
    }

    /// Takes finished records from the front: at least one, if there is one, and then as many as
    /// `share` has room for.
    fn take_finished(&self, partition: &TopicPartition, share: Share) -> Option<Finished> {
        let mut state = self.state.lock();
        let mut finished = Finished {
            partition: partition.clone(),
            outputs: Vec::new(),
            records: 0,
            next_offset: 0,
        };
        let mut bytes = 0;
        while finished.records < share.records.max(1)
            && (bytes < share.bytes || finished.records == 0)
            && let Some((offset, output)) = state.tracker.take_next()
        {
            bytes += output.as_ref().map_or(0, OutboundRecord::size);
            finished.outputs.extend(output);
            finished.records += 1;
            finished.next_offset = offset + 1;
        }
        (finished.records > 0).then_some(finished)
    }

    fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.tracker = OffsetTracker::default();
    }
}

impl Ready {
    fn add(&self, bytes: usize) {
        let records = self.records.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if records >= self.enough_records || bytes >= self.enough_bytes {
            self.wake();
        }
    }

    fn wake(&self) {
        let mut woken = self.woken.lock();
        if !*woken {
            *woken = true;
            self.wake.notify_one();
        }
    }
}

impl Lanes {
    pub(super) fn new(enough_records: usize, enough_bytes: usize) -> Self {
        let ready = Ready {
            records: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            enough_records,
            enough_bytes,
            woken: Mutex::new(false),
            wake: Condvar::new(),
            is_abandoned: AtomicBool::new(false),
        };
        Self { by_partition: Mutex::default(), ready: Arc::new(ready) }
    }

    /// A new lane for a partition; one it had before is closed.
    pub(super) fn open(&self, partition: TopicPartition) -> Arc<Lane> {
        let lane = Arc::new(Lane { state: Mutex::default(), ready: Arc::clone(&self.ready) });
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
        self.ready.records.store(0, Ordering::Relaxed);
        self.ready.bytes.store(0, Ordering::Relaxed);
        let lanes = self.by_partition.lock();
        let share = Share {
            records: self.ready.enough_records / lanes.len().max(1),
            bytes: self.ready.enough_bytes / lanes.len().max(1),
        };
        lanes.iter().filter_map(|(partition, lane)| lane.take_finished(partition, share)).collect()
    }

    /// Whether a record was dropped without an outcome, so that its partition cannot go on.
    pub(super) fn is_abandoned(&self) -> bool {
        self.ready.is_abandoned.load(Ordering::Acquire)
    }

    /// Records received and not yet taken, over all partitions.
    pub(super) fn backlog(&self) -> usize {
        self.by_partition.lock().values().map(|lane| lane.backlog()).sum()
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
        let mut woken = self.ready.woken.lock();
        if !*woken {
            self.ready.wake.wait_for(&mut woken, interval);
        }
        *woken = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: i32) -> TopicPartition {
        TopicPartition { topic: "requests".into(), partition: number }
    }

    fn output(text: &str) -> OutboundRecord {
        OutboundRecord {
            topic: "results".into(),
            partition: None,
            key: Vec::new(),
            payload: text.into(),
            headers: Vec::new(),
        }
    }

    #[test]
    fn outputs_leave_in_offset_order_up_to_the_first_unfinished() {
        let lanes = Lanes::new(10, 1000);
        let lane = lanes.open(partition(0));
        let [a, b, c] = [5, 6, 9].map(|offset| lane.receive(offset));
        b.finish(Some(output("b")));
        assert!(lanes.take_finished().is_empty());
        a.finish(Some(output("a")));
        let [finished] = <[_; 1]>::try_from(lanes.take_finished()).ok().unwrap();
        let texts: Vec<_> = finished.outputs.iter().map(|out| out.payload.as_slice()).collect();
        assert_eq!(texts, [b"a", b"b"]);
        assert_eq!((finished.records, finished.next_offset), (2, 7));
        assert!(lanes.has_unfinished(&[partition(0)]));
        c.finish(None);
        assert_eq!(lanes.take_finished()[0].next_offset, 10);
    }

    #[test]
    fn what_a_ticket_of_a_past_assignment_says_no_longer_counts() {
        let lanes = Lanes::new(10, 1000);
        let stale = lanes.open(partition(0)).receive(5);
        let fresh = lanes.open(partition(0)).receive(5);
        stale.finish(Some(output("stale")));
        assert!(lanes.take_finished().is_empty());
        fresh.finish(Some(output("fresh")));
        assert_eq!(lanes.take_finished()[0].outputs[0].payload, b"fresh");
    }

    #[test]
    fn a_closed_lane_gives_nothing_to_commit() {
        let lanes = Lanes::new(10, 1000);
        let ticket = lanes.open(partition(0)).receive(5);
        ticket.finish(Some(output("done")));
        lanes.close(&[partition(0)]);
        assert!(lanes.take_finished().is_empty());
        assert_eq!(lanes.backlog(), 0);
    }

    #[test]
    fn a_transaction_takes_no_more_than_its_share() {
        let lanes = Lanes::new(4, 10);
        let [small, large] = [0, 1].map(|number| lanes.open(partition(number)));
        for offset in 0..5 {
            small.receive(offset).finish(None);
            large.receive(offset).finish(Some(output("12345678")));
        }
        let taken = |finished: Vec<Finished>| {
            let mut taken: Vec<_> =
                finished.iter().map(|lane| (lane.partition.partition, lane.records)).collect();
            taken.sort_unstable();
            taken
        };
        assert_eq!(taken(lanes.take_finished()), [(0, 2), (1, 1)]);
        assert_eq!(taken(lanes.take_finished()), [(0, 2), (1, 1)]);
        assert_eq!(taken(lanes.take_finished()), [(0, 1), (1, 1)]);
        assert_eq!(taken(lanes.take_finished()), [(1, 1)]);
    }

    #[test]
    fn a_dropped_ticket_fails_the_stream_unless_its_lane_is_closed() {
        let lanes = Lanes::new(10, 1000);
        let stale = lanes.open(partition(0)).receive(5);
        let current = lanes.open(partition(0)).receive(5);
        assert!(!stale.is_current() && current.is_current());
        drop(stale);
        assert!(!lanes.is_abandoned());
        drop(current);
        assert!(lanes.is_abandoned());
    }

    #[test]
    fn enough_finished_records_wake_the_committer() {
        let lanes = Lanes::new(2, 1000);
        let lane = lanes.open(partition(0));
        lane.receive(0).finish(None);
        assert!(!*lanes.ready.woken.lock());
        lane.receive(1).finish(None);
        assert!(*lanes.ready.woken.lock());
        lanes.wait(Duration::from_hours(1));
        assert!(!*lanes.ready.woken.lock());
    }

    #[test]
    fn enough_finished_bytes_wake_the_committer() {
        let lanes = Lanes::new(100, 8);
        lanes.open(partition(0)).receive(0).finish(Some(output("12345678")));
        assert!(*lanes.ready.woken.lock());
    }
}
