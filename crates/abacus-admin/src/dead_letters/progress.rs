//! Handled dead letters, stored in Kafka as the progress of consumer groups.
//!
//! A replay of all dead letters moves the offsets of [`GROUP`], and a replay of a class moves the
//! offsets of a group for this class. After a replay by id, the offset of the dead letter is stored
//! in a note beside the committed offset of the partition. Progress is committed in the transaction
//! that writes the records: a dead letter is replayed and marked as handled, or neither.

use std::collections::{BTreeMap, BTreeSet};

use abacus_kafka::{KafkaConfig, Progress, progress};

use super::headers::DeadLetterId;

/// Consumer group for the replay of all dead letters.
pub(super) const GROUP: &str = "abacus-admin-dead-letter-replay";
/// Longest note, in bytes. The broker accepts 4096.
const MAX_NOTE_BYTES: usize = 4000;

/// Returns the consumer group for the replay of a class.
pub(super) fn class_group(class: &str) -> String {
    format!("{GROUP}-{class}")
}

/// Handled offsets of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HandledOffsets {
    /// All smaller offsets are handled.
    pub(super) next: i64,
    /// Further handled offsets.
    pub(super) individual: BTreeSet<i64>,
}

impl HandledOffsets {
    fn read(progress: &Progress) -> Self {
        let individual = progress.note.split(',').filter_map(|offset| offset.parse().ok());
        Self { next: progress.next.unwrap_or(0), individual: individual.collect() }
    }

    pub(super) fn contains(&self, offset: i64) -> bool {
        offset < self.next || self.individual.contains(&offset)
    }

    /// Returns a copy in which all offsets before `next` are handled too.
    pub(super) fn advanced_to(&self, next: i64) -> Self {
        let next = next.max(self.next);
        Self { next, individual: self.individual.range(next..).copied().collect() }
    }

    /// Returns the progress to commit. Fails if the note has no space for all individual offsets.
    pub(super) fn to_progress(&self, partition: i32) -> anyhow::Result<Progress> {
        let individual: Vec<String> = self.individual.iter().map(ToString::to_string).collect();
        let note = individual.join(",");
        anyhow::ensure!(
            note.len() <= MAX_NOTE_BYTES,
            "too many dead letters of partition {partition} were replayed by id; \
             continue with --all or --class"
        );
        Ok(Progress { partition, next: Some(self.next), note })
    }
}

/// Handled offsets of all groups and partitions. Each group is read at its first use.
pub(super) struct ReplayProgress {
    kafka: KafkaConfig,
    topic: String,
    partitions: Vec<i32>,
    groups: BTreeMap<String, BTreeMap<i32, HandledOffsets>>,
}

impl ReplayProgress {
    pub(super) fn new(kafka: &KafkaConfig, topic: &str, partitions: Vec<i32>) -> Self {
        Self { kafka: kafka.clone(), topic: topic.to_owned(), partitions, groups: BTreeMap::new() }
    }

    /// Returns `true` if a replay has handled this dead letter.
    pub(super) fn is_handled(&mut self, id: DeadLetterId, class: &str) -> anyhow::Result<bool> {
        let is_handled_by = |progress: &mut Self, group: &str| -> anyhow::Result<bool> {
            Ok(progress.of(group, id.partition)?.contains(id.offset))
        };
        Ok(is_handled_by(self, GROUP)? || is_handled_by(self, &class_group(class))?)
    }

    /// Returns the handled offsets of a group in a partition.
    pub(super) fn of(&mut self, group: &str, partition: i32) -> anyhow::Result<HandledOffsets> {
        if !self.groups.contains_key(group) {
            let progress = self.read(group)?;
            self.groups.insert(group.to_owned(), progress);
        }
        let handled = self.groups.get(group).and_then(|progress| progress.get(&partition));
        Ok(handled.cloned().unwrap_or_default())
    }

    /// Replaces the handled offsets of a group in a partition, before their commit.
    pub(super) fn set(&mut self, group: &str, partition: i32, handled: HandledOffsets) {
        self.groups.entry(group.to_owned()).or_default().insert(partition, handled);
    }

    fn read(&self, group: &str) -> anyhow::Result<BTreeMap<i32, HandledOffsets>> {
        let partitions = self.partitions.iter().copied();
        let progress = progress(&self.kafka, group, &self.topic, partitions)?;
        Ok(progress
            .iter()
            .map(|progress| (progress.partition, HandledOffsets::read(progress)))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handled_offsets_are_kept_as_an_offset_and_a_note() {
        let handled = HandledOffsets { next: 5, individual: [9, 7].into() };
        let progress = handled.to_progress(3).unwrap();
        assert_eq!((progress.next, progress.note.as_str()), (Some(5), "7,9"));
        assert_eq!(HandledOffsets::read(&progress), handled);
        assert_eq!(HandledOffsets::read(&Progress::default()), HandledOffsets::default());
    }

    #[test]
    fn what_is_before_the_next_offset_and_what_is_noted_was_handled() {
        let handled = HandledOffsets { next: 5, individual: [7].into() };
        let handled: Vec<_> = (0..10).filter(|offset| handled.contains(*offset)).collect();
        assert_eq!(handled, [0, 1, 2, 3, 4, 7]);
    }

    #[test]
    fn progress_moves_forward_only_and_forgets_what_it_passes() {
        let handled = HandledOffsets { next: 5, individual: [7, 9].into() };
        assert_eq!(handled.advanced_to(8), HandledOffsets { next: 8, individual: [9].into() });
        assert_eq!(handled.advanced_to(3), handled);
    }

    #[test]
    fn more_single_dead_letters_than_fit_are_refused() {
        let handled = HandledOffsets { next: 0, individual: (1000..2000).collect() };
        assert!(handled.to_progress(0).unwrap_err().to_string().contains("--all or --class"));
    }
}
