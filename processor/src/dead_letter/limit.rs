//! Limits on dead letters.
//!
//! A rare unreadable record becomes a dead letter, and nothing more. A burst of unreadable records
//! has a cause to look for: a producer, or the registry.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

use crate::lane::Lane;

/// Number of records over which the percentage of dead letters is taken.
const WINDOW: u32 = 1000;

/// Number of dead letters that counts as a burst; 0 for no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeadLetterLimits {
    /// Consecutive dead letters, without a readable record in between.
    pub(crate) consecutive: u32,
    /// Dead letters in each window of a thousand records, in percent.
    pub(crate) percent: u32,
    /// Longest time between two examinations.
    pub(crate) retry: Duration,
}

/// The position of a record: lane, partition and offset.
pub(crate) type RecordPosition = (Lane, i32, i64);

/// Counts dead letters against the limits.
#[derive(Debug)]
pub(crate) struct DeadLetterCount {
    limits: DeadLetterLimits,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    consecutive: u32,
    records: u32,
    dead_letters: u32,
    /// Highest counted offset of each partition: a dead letter that is read again counts once.
    counted: HashMap<(Lane, i32), i64>,
}

impl DeadLetterCount {
    pub(crate) fn new(limits: DeadLetterLimits) -> Self {
        Self { limits, counts: Mutex::default() }
    }

    /// Counts a readable record.
    pub(crate) fn note_readable(&self) {
        let mut counts = self.counts.lock();
        counts.consecutive = 0;
        counts.note_record();
    }

    /// Counts a dead letter. Returns a description of the burst if a limit is reached.
    #[must_use]
    pub(crate) fn note_dead_letter(&self, position: RecordPosition) -> Option<String> {
        let DeadLetterLimits { consecutive, percent, .. } = self.limits;
        let mut counts = self.counts.lock();
        if !counts.is_new(position) {
            return None;
        }
        counts.consecutive = counts.consecutive.saturating_add(1);
        counts.dead_letters += 1;
        let dead_letters = counts.dead_letters;
        counts.note_record();
        if consecutive > 0 && counts.consecutive >= consecutive {
            return Some(format!("{consecutive} records in a row are unreadable"));
        }
        if percent > 0 && dead_letters * 100 >= percent * WINDOW {
            return Some(format!("{percent} percent of {WINDOW} records are unreadable"));
        }
        None
    }
}

impl Counts {
    fn is_new(&mut self, (lane, partition, offset): RecordPosition) -> bool {
        let counted = self.counted.entry((lane, partition)).or_insert(-1);
        let is_new = offset > *counted;
        *counted = offset.max(*counted);
        is_new
    }

    /// Counts a record of the current window. Windows do not overlap: a percentage exceeded over any
    /// two consecutive windows is exceeded in one of the two.
    fn note_record(&mut self) {
        self.records += 1;
        if self.records == WINDOW {
            (self.records, self.dead_letters) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count(DeadLetterCount, std::cell::Cell<i64>);

    impl Count {
        fn note_dead_letter(&self) -> Option<String> {
            self.1.update(|offset| offset + 1);
            self.0.note_dead_letter((Lane::Main, 0, self.1.get()))
        }

        fn note_readable(&self) {
            self.0.note_readable();
        }
    }

    fn count(consecutive: u32, percent: u32) -> Count {
        let count =
            DeadLetterCount::new(DeadLetterLimits { consecutive, percent, retry: Duration::ZERO });
        Count(count, std::cell::Cell::default())
    }

    #[test]
    fn a_dead_letter_that_is_read_again_counts_once() {
        let count = DeadLetterCount::new(DeadLetterLimits {
            consecutive: 3,
            percent: 0,
            retry: Duration::ZERO,
        });
        for _ in 0..10 {
            assert!(count.note_dead_letter((Lane::Main, 0, 7)).is_none());
        }
        assert!(count.note_dead_letter((Lane::Main, 1, 7)).is_none());
        assert!(count.note_dead_letter((Lane::Heavy, 1, 7)).is_some());
    }

    #[test]
    fn a_readable_record_ends_a_row() {
        let count = count(3, 0);
        for _ in 0..10 {
            assert!(count.note_dead_letter().is_none());
            assert!(count.note_dead_letter().is_none());
            count.note_readable();
        }
        assert!(count.note_dead_letter().is_none() && count.note_dead_letter().is_none());
        assert!(count.note_dead_letter().unwrap().starts_with("3 records"));
    }

    #[test]
    fn a_percentage_is_of_one_window() {
        let count = count(0, 50);
        let mixed = |dead_letters: u32| {
            let too_many = (0..dead_letters).filter(|_| count.note_dead_letter().is_some()).count();
            (dead_letters..WINDOW).for_each(|_| count.note_readable());
            too_many
        };
        assert_eq!(mixed(499), 0);
        assert_eq!(mixed(499), 0);
        assert_eq!(mixed(501), 2);
    }

    #[test]
    fn zero_is_no_limit() {
        let count = count(0, 0);
        assert!((0..5_000).all(|_| count.note_dead_letter().is_none()));
    }
}
