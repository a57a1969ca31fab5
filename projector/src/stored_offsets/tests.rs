use super::*;
use crate::entry::{Content, SkipReason};

fn partition(number: i32) -> TopicPartition {
    TopicPartition { topic: "t".into(), partition: number }
}

fn entry(number: i32, offset: i64) -> Entry {
    Entry { partition: partition(number), offset, content: Content::Skipped(SkipReason::Malformed) }
}

fn entries(number: i32, offsets: impl IntoIterator<Item = i64>) -> Vec<Entry> {
    offsets.into_iter().map(|offset| entry(number, offset)).collect()
}

fn moved(number: i32, next: i64) -> OffsetUpdate {
    OffsetUpdate { partition: partition(number), expected: None, next, newest_request: None }
}

/// Offsets after the assignment of one partition.
fn assigned(stored: Option<i64>) -> StoredOffsets {
    let mut offsets = StoredOffsets::default();
    offsets.mark_assigned(&partition(0), stored);
    offsets
}

#[test]
fn a_partition_is_written_from_its_stored_offset_on() {
    let mut offsets = assigned(Some(5));
    assert_eq!(offsets.select_writable(entries(0, 5..8)).entries, entries(0, 5..8));
    offsets.mark_committed(&[moved(0, 8)]);
    assert_eq!(offsets.stored(&partition(0)), Some(8));
    assert_eq!(offsets.select_writable(entries(0, 8..9)).entries, entries(0, 8..9));
}

#[test]
fn a_partition_without_a_stored_offset_is_written_from_wherever_it_begins() {
    let mut offsets = assigned(None);
    assert_eq!(offsets.select_writable(entries(0, [40, 42])).entries, entries(0, [40, 42]));
    assert_eq!(offsets.stored(&partition(0)), None);
}

#[test]
fn records_of_a_partition_that_was_never_assigned_are_dropped() {
    assert_eq!(assigned(Some(0)).select_writable(entries(1, 0..3)).entries, []);
}

#[test]
fn records_in_hand_are_dropped_when_their_partition_is_assigned_again() {
    let mut offsets = assigned(Some(100));
    // The stored offset is 50 after a fail-over to a lagging standby.
    offsets.mark_assigned(&partition(0), Some(50));
    assert_eq!(offsets.select_writable(entries(0, 100..110)).entries, []);
    assert_eq!(offsets.pending_seeks(), [(partition(0), 50)]);

    offsets.mark_sought(&partition(0));
    assert_eq!(offsets.pending_seeks(), []);
    assert_eq!(offsets.select_writable(entries(0, 50..52)).entries, entries(0, 50..52));
}

#[test]
fn other_partitions_go_on_while_one_needs_a_seek() {
    let mut offsets = assigned(Some(0));
    offsets.mark_assigned(&partition(1), Some(7));
    offsets.correct(&partition(0), Some(3));
    let both = [entries(0, 0..2), entries(1, 7..9)].concat();
    assert_eq!(offsets.select_writable(both).entries, entries(1, 7..9));
}

#[test]
fn an_offset_that_somebody_else_moved_sends_the_reader_there() {
    let mut offsets = assigned(Some(10));
    offsets.correct(&partition(0), Some(30));
    assert_eq!(offsets.stored(&partition(0)), Some(30));
    assert_eq!(offsets.pending_seeks(), [(partition(0), 30)]);
}

#[test]
fn an_offset_that_is_as_known_changes_nothing() {
    let mut offsets = assigned(Some(10));
    offsets.correct(&partition(0), Some(10));
    assert_eq!(offsets.pending_seeks(), []);
}

#[test]
fn a_log_that_begins_again_is_read_from_its_beginning() {
    let mut offsets = assigned(Some(200));
    let writable = offsets.select_writable(entries(0, 0..3));
    assert_eq!(writable.entries, []);
    assert_eq!(writable.restarted, [partition(0)]);
    assert_eq!(offsets.pending_seeks(), [(partition(0), 0)]);

    offsets.mark_sought(&partition(0));
    assert_eq!(offsets.select_writable(entries(0, 0..3)).entries, entries(0, 0..3));
    assert_eq!(offsets.stored(&partition(0)), Some(200), "the compare-and-set starts from there");
    offsets.mark_committed(&[moved(0, 3)]);
    assert_eq!(offsets.stored(&partition(0)), Some(3));
}

#[test]
fn a_log_that_begins_again_in_the_middle_of_a_batch_keeps_what_came_before() {
    let mut offsets = assigned(Some(200));
    let writable = offsets.select_writable(entries(0, [200, 201, 0, 1]));
    assert_eq!(writable.entries, entries(0, [200, 201]));
    offsets.mark_committed(&[moved(0, 202)]);
    assert_eq!(offsets.pending_seeks(), [(partition(0), 0)]);
}
