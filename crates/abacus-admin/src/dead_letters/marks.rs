//! Which letters were handled by a replay before, kept by Kafka as the progress of consumer groups.
//!
//! A replay of everything moves the offsets of [`GROUP`], one of a class those of that name and
//! the class. A letter that was replayed by its place is noted beside the offset of its partition.
//! All of it is committed in the transaction that writes the records, so a letter is replayed and
//! marked, or neither.

use std::collections::{BTreeMap, BTreeSet};

use abacus_kafka::{KafkaConfig, Progress, progress};

use super::label::Place;

/// The group whose offsets say how far everything was replayed.
pub(super) const GROUP: &str = "abacus-admin-dead-letter-replay";
/// The broker takes 4096 bytes of a note.
const LONGEST_NOTE: usize = 4000;

/// The group whose offsets say how far letters of a class were replayed.
pub(super) fn group_of(class: &str) -> String {
    format!("{GROUP}-{class}")
}

/// How far a partition was replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Everything before this was handled.
    pub(super) next: i64,
    /// And these, one by one.
    pub(super) singles: BTreeSet<i64>,
}

impl Mark {
    fn read(progress: &Progress) -> Self {
        let singles = progress.note.split(',').filter_map(|single| single.parse().ok());
        Self { next: progress.next.unwrap_or(0), singles: singles.collect() }
    }

    pub(super) fn covers(&self, offset: i64) -> bool {
        offset < self.next || self.singles.contains(&offset)
    }

    /// With everything before `next` handled.
    pub(super) fn up_to(&self, next: i64) -> Self {
        let next = next.max(self.next);
        Self { next, singles: self.singles.range(next..).copied().collect() }
    }

    /// Fails where no more can be noted one by one.
    pub(super) fn to_progress(&self, partition: i32) -> anyhow::Result<Progress> {
        let singles: Vec<String> = self.singles.iter().map(ToString::to_string).collect();
        let note = singles.join(",");
        anyhow::ensure!(
            note.len() <= LONGEST_NOTE,
            "too many letters of partition {partition} were replayed one by one; \
             go on with --all or --class"
        );
        Ok(Progress { partition, next: Some(self.next), note })
    }
}

/// The marks of all partitions, read when they are first asked for.
pub(super) struct Marks {
    kafka: KafkaConfig,
    topic: String,
    partitions: Vec<i32>,
    groups: BTreeMap<String, BTreeMap<i32, Mark>>,
}

impl Marks {
    pub(super) fn new(kafka: &KafkaConfig, topic: &str, partitions: Vec<i32>) -> Self {
        Self { kafka: kafka.clone(), topic: topic.to_owned(), partitions, groups: BTreeMap::new() }
    }

    /// Whether a replay has handled this letter.
    pub(super) fn cover(&mut self, place: Place, class: &str) -> anyhow::Result<bool> {
        let is_covered = |marks: &mut Self, group: &str| -> anyhow::Result<bool> {
            Ok(marks.of(group, place.partition)?.covers(place.offset))
        };
        Ok(is_covered(self, GROUP)? || is_covered(self, &group_of(class))?)
    }

    /// How far a group has come in a partition.
    pub(super) fn of(&mut self, group: &str, partition: i32) -> anyhow::Result<Mark> {
        if !self.groups.contains_key(group) {
            let marks = self.read(group)?;
            self.groups.insert(group.to_owned(), marks);
        }
        let mark = self.groups.get(group).and_then(|marks| marks.get(&partition));
        Ok(mark.cloned().unwrap_or_default())
    }

    /// Takes note of how far a group is about to come.
    pub(super) fn set(&mut self, group: &str, partition: i32, mark: Mark) {
        self.groups.entry(group.to_owned()).or_default().insert(partition, mark);
    }

    fn read(&self, group: &str) -> anyhow::Result<BTreeMap<i32, Mark>> {
        let partitions = self.partitions.iter().copied();
        let progress = progress(&self.kafka, group, &self.topic, partitions)?;
        Ok(progress.iter().map(|progress| (progress.partition, Mark::read(progress))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_kept_as_an_offset_and_a_note() {
        let mark = Mark { next: 5, singles: [9, 7].into() };
        let progress = mark.to_progress(3).unwrap();
        assert_eq!((progress.next, progress.note.as_str()), (Some(5), "7,9"));
        assert_eq!(Mark::read(&progress), mark);
        assert_eq!(Mark::read(&Progress::default()), Mark::default());
    }

    #[test]
    fn what_is_before_a_mark_and_what_is_noted_was_handled() {
        let mark = Mark { next: 5, singles: [7].into() };
        let handled: Vec<_> = (0..10).filter(|offset| mark.covers(*offset)).collect();
        assert_eq!(handled, [0, 1, 2, 3, 4, 7]);
    }

    #[test]
    fn a_mark_moves_forward_only_and_forgets_what_it_passes() {
        let mark = Mark { next: 5, singles: [7, 9].into() };
        assert_eq!(mark.up_to(8), Mark { next: 8, singles: [9].into() });
        assert_eq!(mark.up_to(3), mark);
    }

    #[test]
    fn more_single_letters_than_fit_are_refused() {
        let mark = Mark { next: 0, singles: (1000..2000).collect() };
        assert!(mark.to_progress(0).unwrap_err().to_string().contains("--all or --class"));
    }
}
