use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use abacus_kafka::TopicPartition;
use abacus_schemas::ContentDigest;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::authorship::Authorship;
use crate::row::{Origin, RequestedRow};

/// Attempts for a batch without an answer.
const ATTEMPTS: u32 = 3;

/// Result of one transaction of the database in a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Committed,
    Refused,
    /// The connection was closed.
    Nothing,
}

fn row(offset: i64) -> Entry {
    let content = Content::Requested(RequestedRow {
        request_id: Uuid::from_u128(offset.unsigned_abs().into()),
        operation: "fibonacci".to_owned(),
        operands: BTreeMap::new(),
        requester: None,
        source: "test".to_owned(),
        requested_at: UNIX_EPOCH,
        recorded_at: UNIX_EPOCH,
        content: ContentDigest::default(),
        authorship: Authorship::Unsigned,
        origin: Origin { partition: 0, offset, appended_at: UNIX_EPOCH },
        altered: false,
    });
    Entry { partition: TopicPartition { topic: Arc::from("t"), partition: 0 }, offset, content }
}

fn is_row(entry: &Entry) -> bool {
    matches!(entry.content, Content::Requested(_))
}

fn reason(entry: &Entry) -> Option<SkipReason> {
    match &entry.content {
        Content::Rejected(rejection) => Some(rejection.reason),
        Content::Skipped(reason) => Some(*reason),
        _ => None,
    }
}

/// Writes `count` rows to a database that answers as `answer` says, as the writer does. Returns the
/// written entries and the number of attempts.
fn write(count: i64, mut answer: impl FnMut(&[Entry]) -> Answer) -> (Vec<Entry>, usize) {
    let mut parts = Parts::whole((0..count).map(row).collect());
    let (mut written, mut total) = (Vec::new(), 0);
    while let Some(part) = parts.next() {
        let mut left = parts.attempts(part.len(), ATTEMPTS);
        loop {
            total += 1;
            match answer(&part) {
                Answer::Committed => written.extend(part),
                Answer::Refused => {
                    parts.refuse(Batch::new(part), &Refusal::Value("no".to_owned()));
                }
                Answer::Nothing if left > 1 => {
                    left -= 1;
                    continue;
                }
                Answer::Nothing => {
                    parts.refuse(Batch::new(part), &Refusal::Unanswered("closed".to_owned()));
                }
            }
            break;
        }
    }
    (written, total)
}

/// A database that gives `bad` for each batch with the row of an offset in `poison`.
fn refusing(poison: &[i64], bad: Answer) -> impl FnMut(&[Entry]) -> Answer + '_ {
    move |part| {
        let is_poison = |entry: &Entry| is_row(entry) && poison.contains(&entry.offset);
        if part.iter().any(is_poison) { bad } else { Answer::Committed }
    }
}

#[test]
fn one_poison_record_among_thousands_is_found_in_few_attempts() {
    let (written, attempts) = write(5000, refusing(&[1234], Answer::Refused));
    assert_eq!(written.len(), 5000);
    assert!(attempts <= 28, "{attempts} attempts");
    let (written, attempts) = write(5000, refusing(&[1234], Answer::Nothing));
    assert_eq!(written.len(), 5000);
    assert!(attempts <= 34, "{attempts} attempts");
}

#[test]
fn a_rejection_names_the_request_and_the_reason() {
    let (written, _) = write(9, refusing(&[7], Answer::Nothing));
    let Content::Rejected(rejection) = &written[7].content else { panic!("{written:?}") };
    assert_eq!(rejection.request_id, Uuid::from_u128(7));
    assert_eq!(rejection.reason, SkipReason::Unwritable);
    assert_eq!(rejection.detail, "closed");
}

#[test]
fn no_record_is_rejected_while_no_write_succeeds() {
    // The database answers reads and no write for a long time, then all writes.
    let mut failures = 1000;
    let (written, _) = write(40, |part| {
        failures -= 1;
        let rejections = part.iter().filter(|entry| !is_row(entry)).count();
        if failures > 0 || rejections > 0 { Answer::Nothing } else { Answer::Committed }
    });
    assert_eq!(written.len(), 40);
    assert!(written.iter().all(is_row), "{written:?}");
}

#[test]
fn a_rejection_that_is_refused_leaves_the_offset_alone() {
    let (written, _) = write(3, |part| {
        let poison =
            |entry: &Entry| entry.offset == 1 && !matches!(entry.content, Content::Skipped(_));
        if part.iter().any(poison) { Answer::Refused } else { Answer::Committed }
    });
    assert_eq!(written[1].content, Content::Skipped(SkipReason::Refused));
    assert!(is_row(&written[0]) && is_row(&written[2]));
}

#[test]
fn the_explanation_is_one_that_postgres_can_hold() {
    assert_eq!(detail("a\0b"), "a\u{FFFD}b");
    assert!(detail(&"ö".repeat(1000)).len() <= MAX_DETAIL_BYTES);
}

proptest! {
    #[test]
    fn only_poison_is_rejected_and_the_order_is_kept(
        count in 1..300_i64,
        poison in prop::collection::vec(0..300_i64, 0..10),
        is_silent in any::<bool>(),
    ) {
        let bad = if is_silent { Answer::Nothing } else { Answer::Refused };
        let (written, _) = write(count, refusing(&poison, bad));
        prop_assert_eq!(written.len(), usize::try_from(count).unwrap());
        let expected = if is_silent { SkipReason::Unwritable } else { SkipReason::Refused };
        for (entry, offset) in written.iter().zip(0..) {
            prop_assert_eq!(entry.offset, offset);
            let rejected = poison.contains(&offset).then_some(expected);
            prop_assert_eq!(reason(entry), rejected);
        }
    }
}
