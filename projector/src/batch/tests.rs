use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use abacus_schemas::ContentDigest;
use uuid::Uuid;

use super::*;
use crate::authorship::Authorship;
use crate::entry::SkipReason;
use crate::row::Origin;

fn partition(number: i32) -> TopicPartition {
    TopicPartition { topic: "t".into(), partition: number }
}

fn row(id: u128, n: &str, offset: i64) -> RequestedRow {
    let operands = BTreeMap::from([("n".to_owned(), n.to_owned())]);
    RequestedRow {
        request_id: Uuid::from_u128(id),
        operation: "fibonacci".to_owned(),
        content: ContentDigest::new("fibonacci", &operands, None, "test"),
        operands,
        requester: None,
        source: "test".to_owned(),
        requested_at: UNIX_EPOCH,
        recorded_at: UNIX_EPOCH + Duration::from_secs(offset.unsigned_abs()),
        authorship: Authorship::Unsigned,
        origin: Origin { partition: 0, offset, appended_at: UNIX_EPOCH + Duration::from_secs(5) },
        altered: false,
    }
}

fn entry(number: i32, offset: i64, content: Content) -> Entry {
    Entry { partition: partition(number), offset, content }
}

fn skipped(number: i32, offset: i64) -> Entry {
    entry(number, offset, Content::Skipped(SkipReason::Malformed))
}

#[test]
fn each_partition_moves_to_the_offset_after_its_last_record() {
    let mut offsets = StoredOffsets::default();
    offsets.mark_assigned(&partition(0), Some(3));
    offsets.mark_assigned(&partition(1), None);
    let batch = Batch::new(vec![skipped(1, 70), skipped(0, 4), skipped(1, 75), skipped(0, 9)]);
    let expected = [
        OffsetUpdate { partition: partition(0), expected: Some(3), next: 10, newest_request: None },
        OffsetUpdate { partition: partition(1), expected: None, next: 76, newest_request: None },
    ];
    assert_eq!(batch.offset_updates(&offsets), expected);
}

#[test]
fn content_is_compared_as_written_and_not_as_stored() {
    let first = row(1, "5", 0);
    let unsigned_copy = RequestedRow { source: "kafka".to_owned(), ..first.clone() };
    assert!(first.agrees_with(&unsigned_copy));
    let stored_alike = RequestedRow { content: row(1, "6", 0).content, ..first.clone() };
    assert!(!first.agrees_with(&stored_alike));
}

#[test]
fn the_first_row_of_a_request_stands_and_only_other_content_is_a_conflict() {
    let rows = [row(1, "5", 0), row(2, "6", 1), row(1, "5", 2), row(1, "7", 3)];
    let content = rows.clone().map(Content::Requested);
    let entries = content.into_iter().zip(0..).map(|(content, at)| entry(0, at, content));
    let batch = Batch::new(entries.collect());
    let unique = batch.requested();
    assert_eq!(unique.rows, [&rows[0], &rows[1]]);
    assert_eq!(unique.conflicts, [&rows[3]]);
    assert!(batch.completed().rows.is_empty());
}

#[test]
fn the_newest_request_of_a_partition_is_not_newer_than_its_append_time() {
    let newest = |offsets: &[i64]| {
        let rows = offsets.iter().map(|at| entry(0, *at, Content::Requested(row(1, "5", *at))));
        let updates = Batch::new(rows.collect()).offset_updates(&StoredOffsets::default());
        updates[0].newest_request.unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs()
    };
    assert_eq!(newest(&[3, 1, 2]), 3);
    assert_eq!(newest(&[3, 9, 2]), 5);
}

#[test]
fn a_signed_request_takes_the_place_of_an_unsigned_one() {
    let signed = RequestedRow { authorship: Authorship::Signed, ..row(1, "7", 1) };
    let rows = [row(1, "5", 0), signed, row(1, "7", 2), row(1, "9", 3)];
    let entries = rows.clone().into_iter().zip(0..);
    let entries = entries.map(|(row, at)| entry(0, at, Content::Requested(row)));
    let batch = Batch::new(entries.collect());
    let unique = batch.requested();
    assert_eq!(unique.rows, [&rows[1]]);
    assert_eq!(unique.conflicts, [&rows[0], &rows[3]]);
}
