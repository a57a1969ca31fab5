//! Tracks the records of one partition, which finish in any order, to find the offset to commit.
//!
//! **Invariant:** records are taken in offset order, never past an unfinished record. Committing the
//! offset after the last taken record therefore neither loses nor repeats a record.

use std::collections::VecDeque;

/// The received and not yet taken records of one partition.
#[derive(Debug)]
pub(crate) struct OffsetTracker<T> {
    entries: VecDeque<TrackedRecord<T>>,
    /// Sequence number of the first entry.
    first: u64,
    /// Number of finished entries at the front.
    ready: usize,
    /// Size of all entries.
    bytes: usize,
}

#[derive(Debug)]
struct TrackedRecord<T> {
    offset: i64,
    bytes: usize,
    outcome: Option<T>,
}

/// The number of a received record: its handle for [`OffsetTracker::finish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SequenceNumber(u64);

/// A finished record, taken from the tracker.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FinishedRecord<T> {
    pub(crate) offset: i64,
    /// Size given to [`OffsetTracker::receive`].
    pub(crate) bytes: usize,
    pub(crate) outcome: T,
}

impl<T> Default for OffsetTracker<T> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), first: 0, ready: 0, bytes: 0 }
    }
}

impl<T> OffsetTracker<T> {
    /// Registers a record of `bytes`. Records come in offset order. Offsets may have gaps, from
    /// compaction and transaction markers.
    pub(crate) fn receive(&mut self, offset: i64, bytes: usize) -> SequenceNumber {
        debug_assert!(self.entries.back().is_none_or(|last| last.offset < offset));
        self.entries.push_back(TrackedRecord { offset, bytes, outcome: None });
        self.bytes += bytes;
        SequenceNumber(self.first + self.entries.len() as u64 - 1)
    }

    /// Stores the outcome of a record. Returns false, with no effect, if the record was finished
    /// before.
    pub(crate) fn finish(&mut self, number: SequenceNumber, outcome: T) -> bool {
        let entry = self.index(number).and_then(|index| self.entries.get_mut(index));
        match entry {
            Some(entry) if entry.outcome.is_none() => {
                entry.outcome = Some(outcome);
                self.advance();
                true
            }
            _ => false,
        }
    }

    /// Takes the next record in offset order, if finished.
    pub(crate) fn take_next(&mut self) -> Option<FinishedRecord<T>> {
        self.entries.front()?.outcome.as_ref()?;
        let TrackedRecord { offset, bytes, outcome } = self.entries.pop_front()?;
        self.first += 1;
        self.ready -= 1;
        self.bytes -= bytes;
        outcome.map(|outcome| FinishedRecord { offset, bytes, outcome })
    }

    /// Number of records received and not yet taken.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Size of the records received and not yet taken, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of records that can be taken.
    pub(crate) fn ready(&self) -> usize {
        self.ready
    }

    /// True if a record is unfinished.
    pub(crate) fn has_unfinished(&self) -> bool {
        self.ready < self.entries.len()
    }

    /// True if `number` is the first record and unfinished: no record can be taken before it is
    /// finished.
    pub(crate) fn is_first(&self, number: SequenceNumber) -> bool {
        self.index(number) == Some(0) && self.ready == 0 && self.has_unfinished()
    }

    fn index(&self, number: SequenceNumber) -> Option<usize> {
        usize::try_from(number.0.checked_sub(self.first)?).ok()
    }

    fn advance(&mut self) {
        while self.entries.get(self.ready).is_some_and(|entry| entry.outcome.is_some()) {
            self.ready += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::collections::btree_map::OccupiedEntry;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_later_success_cannot_leapfrog_an_unfinished_record() {
        let mut tracker = OffsetTracker::default();
        let first = tracker.receive(10, 1);
        let second = tracker.receive(11, 1);
        assert!(tracker.finish(second, "second"));
        assert_eq!(tracker.take_next(), None);
        assert!(tracker.finish(first, "first"));
        assert_eq!(
            tracker.take_next(),
            Some(FinishedRecord { offset: 10, bytes: 1, outcome: "first" })
        );
        assert_eq!(
            tracker.take_next(),
            Some(FinishedRecord { offset: 11, bytes: 1, outcome: "second" })
        );
        assert_eq!(tracker.take_next(), None);
    }

    #[test]
    fn a_record_finishes_once() {
        let mut tracker = OffsetTracker::default();
        let number = tracker.receive(0, 1);
        assert!(tracker.finish(number, 1));
        assert!(!tracker.finish(number, 2));
        assert!(tracker.take_next().is_some_and(|taken| taken.outcome == 1));
        assert!(!tracker.finish(number, 3), "a taken record is past finishing");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Receive { skip: i64, bytes: usize },
        Finish { pick: prop::sample::Index },
        Take,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0..3_i64, 0..100_usize).prop_map(|(skip, bytes)| Step::Receive { skip, bytes }),
            3 => any::<prop::sample::Index>().prop_map(|pick| Step::Finish { pick }),
            2 => Just(Step::Take),
        ];
        prop::collection::vec(step, 0..300)
    }

    /// A record of the model.
    #[derive(Clone, Copy, Debug)]
    struct Known {
        number: SequenceNumber,
        bytes: usize,
        is_finished: bool,
    }

    fn assert_agrees(tracker: &OffsetTracker<i64>, model: &BTreeMap<i64, Known>) {
        assert_eq!(tracker.len(), model.len());
        assert_eq!(tracker.bytes(), model.values().map(|known| known.bytes).sum::<usize>());
        let ready = model.values().take_while(|known| known.is_finished);
        assert_eq!(tracker.ready(), ready.count());
        let first = model.values().find(|known| !known.is_finished).map(|known| known.number);
        assert_eq!(tracker.has_unfinished(), first.is_some());
        for known in model.values() {
            let is_in_the_way = model.values().next().map(|front| front.number) == first;
            let expected = Some(known.number) == first && is_in_the_way;
            assert_eq!(tracker.is_first(known.number), expected);
        }
    }

    proptest! {
        /// The model keeps every record in a sorted map and takes the lowest if it is finished.
        #[test]
        fn it_agrees_with_a_sorted_map(steps in steps()) {
            let mut tracker = OffsetTracker::default();
            let mut model: BTreeMap<i64, Known> = BTreeMap::new();
            let mut open: Vec<i64> = Vec::new();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Receive { skip, bytes } => {
                        next += skip;
                        let number = tracker.receive(next, bytes);
                        open.push(next);
                        model.insert(next, Known { number, bytes, is_finished: false });
                        next += 1;
                    }
                    Step::Finish { pick } if !open.is_empty() => {
                        let offset = open.swap_remove(pick.index(open.len()));
                        let known = model.get_mut(&offset).unwrap();
                        known.is_finished = true;
                        prop_assert!(tracker.finish(known.number, offset));
                    }
                    Step::Finish { .. } => {}
                    Step::Take => {
                        let first = model.first_entry().filter(|first| first.get().is_finished);
                        let expected = first.map(OccupiedEntry::remove_entry).map(
                            |(offset, Known { bytes, .. })| FinishedRecord { offset, bytes, outcome: offset },
                        );
                        prop_assert_eq!(tracker.take_next(), expected);
                    }
                }
                assert_agrees(&tracker, &model);
            }
        }
    }
}
