//! Which offset of a partition may be committed when its records finish in any order.
//!
//! **Invariant:** what is taken out comes in offset order and never passes an unfinished record.
//! So committing "the offset after the last one taken" neither loses nor repeats a record.

use std::collections::VecDeque;

/// The records of one partition that were received and not yet taken out.
#[derive(Debug)]
pub(crate) struct OffsetTracker<T> {
    entries: VecDeque<Entry<T>>,
    /// Slot of the first entry.
    first: u64,
}

#[derive(Debug)]
struct Entry<T> {
    offset: i64,
    finished: Option<T>,
}

/// A received record's place, by which it is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Slot(u64);

impl<T> Default for OffsetTracker<T> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), first: 0 }
    }
}

impl<T> OffsetTracker<T> {
    /// Takes note of a record. Records come in offset order; offsets may skip, as they do after
    /// compaction and at transaction markers.
    pub(crate) fn receive(&mut self, offset: i64) -> Slot {
        debug_assert!(self.entries.back().is_none_or(|last| last.offset < offset));
        self.entries.push_back(Entry { offset, finished: None });
        Slot(self.first + self.entries.len() as u64 - 1)
    }

    /// Takes note of a record's outcome. False, and nothing is changed, if it was finished before.
    pub(crate) fn finish(&mut self, slot: Slot, outcome: T) -> bool {
        let entry = slot
            .0
            .checked_sub(self.first)
            .and_then(|index| self.entries.get_mut(usize::try_from(index).ok()?));
        match entry {
            Some(entry) if entry.finished.is_none() => {
                entry.finished = Some(outcome);
                true
            }
            _ => false,
        }
    }

    /// Takes the next record in offset order, if it is finished.
    pub(crate) fn take_next(&mut self) -> Option<(i64, T)> {
        self.entries.front()?.finished.as_ref()?;
        let entry = self.entries.pop_front()?;
        self.first += 1;
        entry.finished.map(|outcome| (entry.offset, outcome))
    }

    /// Records received and not yet taken.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether a record is still being worked on.
    pub(crate) fn has_unfinished(&self) -> bool {
        self.entries.iter().any(|entry| entry.finished.is_none())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_later_success_cannot_leapfrog_an_unfinished_record() {
        let mut tracker = OffsetTracker::default();
        let first = tracker.receive(10);
        let second = tracker.receive(11);
        assert!(tracker.finish(second, "second"));
        assert_eq!(tracker.take_next(), None);
        assert!(tracker.finish(first, "first"));
        assert_eq!(tracker.take_next(), Some((10, "first")));
        assert_eq!(tracker.take_next(), Some((11, "second")));
        assert_eq!(tracker.take_next(), None);
    }

    #[test]
    fn a_record_finishes_once() {
        let mut tracker = OffsetTracker::default();
        let slot = tracker.receive(0);
        assert!(tracker.finish(slot, 1));
        assert!(!tracker.finish(slot, 2));
        assert_eq!(tracker.take_next(), Some((0, 1)));
        assert!(!tracker.finish(slot, 3), "a taken record is past finishing");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Receive { skip: i64 },
        Finish { pick: prop::sample::Index },
        Take,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0..3_i64).prop_map(|skip| Step::Receive { skip }),
            3 => any::<prop::sample::Index>().prop_map(|pick| Step::Finish { pick }),
            2 => Just(Step::Take),
        ];
        prop::collection::vec(step, 0..300)
    }

    proptest! {
        /// The model keeps every record in a sorted map and takes the lowest if it is finished.
        #[test]
        fn it_agrees_with_a_sorted_map(steps in steps()) {
            let mut tracker = OffsetTracker::default();
            let mut model: BTreeMap<i64, bool> = BTreeMap::new();
            let mut open: Vec<(i64, Slot)> = Vec::new();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Receive { skip } => {
                        next += skip;
                        open.push((next, tracker.receive(next)));
                        model.insert(next, false);
                        next += 1;
                    }
                    Step::Finish { pick } if !open.is_empty() => {
                        let (offset, slot) = open.swap_remove(pick.index(open.len()));
                        prop_assert!(tracker.finish(slot, offset));
                        model.insert(offset, true);
                    }
                    Step::Finish { .. } => {}
                    Step::Take => {
                        let expected = model.first_key_value().filter(|(_, done)| **done);
                        let expected = expected.map(|(offset, _)| (*offset, *offset));
                        prop_assert_eq!(tracker.take_next(), expected);
                        if let Some((offset, _)) = expected {
                            model.remove(&offset);
                        }
                    }
                }
                prop_assert_eq!(tracker.len(), model.len());
                prop_assert_eq!(tracker.has_unfinished(), model.values().any(|done| !done));
            }
        }
    }
}
