use abacus_runtime::prometheus::IntGauge;

use super::*;
use crate::outcome::{LogProgress, Progress, ReplyKind};
use crate::recent::RecentOutcome;

/// Waiters with numbers for requests and entries.
type Numbers = Waiters<usize, u8>;

const LONG: Duration = Duration::from_hours(1);
const SHORT: Duration = Duration::from_millis(1);
/// Waits for the reply alone.
const PATIENT: WaitLimits = WaitLimits { reply: LONG, acceptance: LONG };
const BRIEF: WaitLimits = WaitLimits { reply: SHORT, acceptance: SHORT };
/// Waits for the acknowledgement alone.
const ASYNC: WaitLimits = WaitLimits { reply: Duration::ZERO, acceptance: LONG };

fn waiters(limit: usize) -> Arc<Numbers> {
    Arc::new(Waiters::new(limit, |size| *size, IntGauge::new("waiters", "help").unwrap()))
}

fn waiting(waiters: &Numbers) -> i64 {
    waiters.gauge()
}

fn some_request() -> Arc<usize> {
    Arc::new(0)
}

fn reply(text: &str) -> WaitOutcome<u8> {
    WaitOutcome::Replied(text.to_owned().into())
}

fn attached(
    waiters: &Arc<Numbers>,
    id: Uuid,
    condition: WaitCondition,
) -> AttachedWaiter<usize, u8> {
    match waiters.attach(id, condition).unwrap() {
        Attachment::Waiting(waiter) => waiter,
        Attachment::Replied(_) | Attachment::Closed => panic!("nothing to wait for"),
    }
}

#[tokio::test]
async fn a_reply_reaches_its_own_waiter() {
    let waiters = waiters(2);
    let ids = [1, 2].map(Uuid::from_u128);
    let [first, second] = ids.map(|id| waiters.register(id, None).unwrap());
    assert_eq!(waiters.answer(ids[1].as_bytes(), b"two"), ReplyKind::Answered);
    assert_eq!(waiters.answer(ids[0].as_bytes(), b"one"), ReplyKind::Answered);
    assert_eq!(first.wait(PATIENT).await, reply("one"));
    assert_eq!(second.wait(PATIENT).await, reply("two"));
    assert_eq!(waiting(&waiters), 0);
}

#[tokio::test]
async fn replies_without_a_waiter_are_told_apart() {
    let waiters = waiters(2);
    let (answered, gone) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let waiter = waiters.register(answered, None).unwrap();
    drop(waiters.register(gone, None).unwrap());
    assert_eq!(waiters.answer(answered.as_bytes(), b""), ReplyKind::Answered);
    assert_eq!(waiters.answer(answered.as_bytes(), b""), ReplyKind::Duplicate);
    drop(waiter);
    assert_eq!(waiters.answer(answered.as_bytes(), b""), ReplyKind::Duplicate);
    assert_eq!(waiters.answer(gone.as_bytes(), b""), ReplyKind::Late);
    assert_eq!(waiters.answer(gone.as_bytes(), b""), ReplyKind::Duplicate);
    assert_eq!(waiters.answer(Uuid::from_u128(3).as_bytes(), b""), ReplyKind::Foreign);
    assert_eq!(waiters.recent(Uuid::from_u128(3)), None);
    assert_eq!(waiters.answer(b"not a uuid", b""), ReplyKind::Foreign);
}

#[tokio::test]
async fn a_dropped_waiter_leaves_nothing_behind() {
    let waiters = waiters(2);
    let id = Uuid::from_u128(1);
    let wait = waiters.register(id, None).unwrap().wait(PATIENT);
    let attached = attached(&waiters, id, WaitCondition::Completed).wait(LONG);
    assert_eq!(waiting(&waiters), 2);
    drop(wait);
    drop(attached);
    assert_eq!(waiting(&waiters), 0);
    assert!(waiters.published().is_empty());
    assert!(waiters.awaited().all.is_empty());
}

#[tokio::test]
async fn an_expired_wait_says_whether_the_request_is_in_the_log() {
    let waiters = waiters(2);
    let (written, unknown) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let wait = waiters.register(written, None).unwrap();
    waiters.mark_written(written);
    assert_eq!(wait.wait(BRIEF).await, WaitOutcome::Pending);
    assert_eq!(
        waiters.register(unknown, None).unwrap().wait(BRIEF).await,
        WaitOutcome::Unconfirmed
    );
    assert_eq!(waiters.answer(written.as_bytes(), b""), ReplyKind::Late);
    assert_eq!(waiting(&waiters), 0);
}

#[tokio::test]
async fn who_does_not_wait_is_answered_by_the_acknowledgement() {
    let waiters = waiters(2);
    let ids = [1, 2].map(Uuid::from_u128);
    waiters.mark_written(ids[0]);
    let early = waiters.register(ids[0], None).unwrap();
    waiters.mark_written(ids[0]);
    assert_eq!(early.wait(ASYNC).await, WaitOutcome::Pending);
    let late = waiters.register(ids[1], None).unwrap();
    let (ending, ()) = tokio::join!(late.wait(ASYNC), async {
        tokio::task::yield_now().await;
        waiters.mark_written(ids[1]);
    });
    assert_eq!(ending, WaitOutcome::Pending);
    assert_eq!(waiting(&waiters), 0);
}

#[tokio::test]
async fn a_failed_delivery_ends_the_wait_at_once() {
    let waiters = waiters(1);
    let id = Uuid::from_u128(1);
    let waiter = waiters.register(id, None).unwrap();
    waiters.mark_failed(id, "no broker");
    assert_eq!(waiter.wait(PATIENT).await, WaitOutcome::NotWritten("no broker".to_owned()));
}

#[tokio::test]
async fn a_reply_in_the_moment_of_expiry_still_counts() {
    let waiters = waiters(1);
    let id = Uuid::from_u128(1);
    let mut waiter = waiters.register(id, None).unwrap();
    assert_eq!(waiters.answer(id.as_bytes(), b"42"), ReplyKind::Answered);
    assert_eq!(waiter.expire(), reply("42"));
}

#[tokio::test]
async fn the_limit_holds_and_frees_up() {
    let waiters = waiters(1);
    let first = waiters.register(Uuid::from_u128(1), None).unwrap();
    assert!(waiters.register(Uuid::from_u128(2), None).is_err());
    assert!(waiters.attach(Uuid::from_u128(1), WaitCondition::Completed).is_err());
    drop(first);
    assert!(waiters.register(Uuid::from_u128(2), None).is_ok());
}

#[tokio::test]
async fn ending_all_waits_answers_them_by_what_is_known() {
    let waiters = waiters(9);
    let ids = [1, 2].map(Uuid::from_u128);
    let [first, second] = ids.map(|id| waiters.register(id, None).unwrap());
    let attached = attached(&waiters, ids[0], WaitCondition::Completed);
    waiters.mark_written(ids[0]);
    waiters.end_all();
    assert_eq!(first.wait(PATIENT).await, WaitOutcome::Pending);
    assert_eq!(second.wait(PATIENT).await, WaitOutcome::Unconfirmed);
    assert_eq!(attached.wait(LONG).await, WaitOutcome::Pending);
    // A later publisher waits for the acknowledgement; a later caller does not wait.
    assert!(matches!(waiters.attach(ids[0], WaitCondition::Completed), Ok(Attachment::Closed)));
    let last = waiters.register(ids[1], None).unwrap();
    waiters.mark_written(ids[1]);
    assert_eq!(last.wait(PATIENT).await, WaitOutcome::Pending);
    assert_eq!(waiting(&waiters), 0);
}

#[tokio::test]
async fn a_reply_reaches_everybody_who_attached() {
    let waiters = waiters(9);
    let id = Uuid::from_u128(1);
    let sender = waiters.register(id, None).unwrap();
    let others = [(); 3].map(|()| attached(&waiters, id, WaitCondition::Completed));
    assert_eq!(waiters.answer(id.as_bytes(), b"42"), ReplyKind::Answered);
    assert_eq!(sender.wait(PATIENT).await, reply("42"));
    for waiter in others {
        assert_eq!(waiter.wait(LONG).await, reply("42"));
    }
    assert!(matches!(waiters.attach(id, WaitCondition::Completed), Ok(Attachment::Replied(_))));
    assert_eq!(waiting(&waiters), 0);
}

#[tokio::test]
async fn a_late_reply_is_there_for_those_who_come_back() {
    let waiters = waiters(9);
    let id = Uuid::from_u128(1);
    drop(waiters.register(id, None).unwrap());
    waiters.remember(id, some_request());
    assert_eq!(waiters.recent(id), Some(RecentOutcome::Accepted(some_request(), None)));
    let returning = attached(&waiters, id, WaitCondition::Completed);
    assert_eq!(waiters.answer(id.as_bytes(), b"42"), ReplyKind::Answered);
    assert_eq!(returning.wait(LONG).await, reply("42"));
    waiters.remember(id, some_request());
    assert_eq!(waiters.recent(id), Some(RecentOutcome::Replied("42".into())));
}

#[tokio::test]
async fn news_from_the_log_end_the_waits_for_them() {
    let waiters = waiters(9);
    let id = Uuid::from_u128(1);
    let known = attached(&waiters, id, WaitCondition::Known);
    let ended = attached(&waiters, id, WaitCondition::Completed);
    waiters.answer_logged(id, LogProgress::Known, 1);
    assert_eq!(known.wait(LONG).await, WaitOutcome::Logged(Arc::new(1)));
    assert_eq!(waiting(&waiters), 1);
    waiters.answer_logged(id, LogProgress::Completed, 2);
    assert_eq!(ended.wait(LONG).await, WaitOutcome::Logged(Arc::new(2)));
    assert_eq!(waiting(&waiters), 0);
}

#[tokio::test]
async fn a_visit_that_is_over_leaves_the_others_alone() {
    let waiters = waiters(9);
    let id = Uuid::from_u128(1);
    let (hasty, patient) = (
        attached(&waiters, id, WaitCondition::Completed),
        attached(&waiters, id, WaitCondition::Completed),
    );
    assert_eq!(hasty.wait(SHORT).await, WaitOutcome::Pending);
    assert_eq!(waiters.awaited().all, [id]);
    waiters.answer(id.as_bytes(), b"42");
    assert_eq!(patient.wait(LONG).await, reply("42"));
}

#[tokio::test]
async fn the_same_request_sent_again_does_not_take_the_place_of_the_first() {
    let waiters = waiters(9);
    let id = Uuid::from_u128(1);
    assert_eq!(waiters.progress(id), None);
    let first = waiters.register(id, None).unwrap();
    assert_eq!(waiters.register(id, None).err(), Some(RegisterError::Taken));
    assert_eq!(waiters.progress(id), Some(Progress::Sent));
    waiters.mark_written(id);
    assert_eq!(waiters.progress(id), Some(Progress::Written));
    waiters.answer(id.as_bytes(), b"42");
    assert_eq!(first.wait(PATIENT).await, reply("42"));
    assert_eq!(waiters.progress(id), Some(Progress::Written));
    assert_eq!(waiting(&waiters), 0);
}

#[tokio::test]
async fn a_reply_about_another_operation_leaves_the_waiter_waiting() {
    let waiters = waiters(2);
    let id = Uuid::from_u128(1);
    let waiter = waiters.register(id, Some("pow")).unwrap();
    let attached = attached(&waiters, id, WaitCondition::Completed);
    assert_eq!(waiters.answer_about(id, Some("factorial"), b"other"), ReplyKind::Mismatched);
    assert_eq!((waiting(&waiters), waiters.recent(id)), (2, None));
    assert_eq!(waiters.answer_about(id, Some("pow"), b"42"), ReplyKind::Answered);
    assert_eq!(waiter.wait(PATIENT).await, reply("42"));
    assert_eq!(attached.wait(LONG).await, reply("42"));
}

#[tokio::test]
async fn a_late_reply_about_another_operation_is_not_taken_either() {
    let waiters = waiters(2);
    let id = Uuid::from_u128(1);
    drop(waiters.register(id, Some("pow")).unwrap());
    for is_remembered in [false, true] {
        if is_remembered {
            waiters.remember(id, some_request());
        }
        let returning = attached(&waiters, id, WaitCondition::Completed);
        assert_eq!(waiters.answer_about(id, Some("factorial"), b"other"), ReplyKind::Mismatched);
        drop(returning);
    }
    let returning = attached(&waiters, id, WaitCondition::Completed);
    assert_eq!(waiters.answer_about(id, Some("pow"), b"42"), ReplyKind::Answered);
    assert_eq!(returning.wait(LONG).await, reply("42"));
}

#[tokio::test]
async fn a_processor_that_could_not_read_the_request_names_no_operation() {
    let waiters = waiters(1);
    let id = Uuid::from_u128(1);
    let waiter = waiters.register(id, Some("pow")).unwrap();
    assert_eq!(waiters.answer_about(id, Some(""), b"unreadable"), ReplyKind::Answered);
    assert_eq!(waiter.wait(PATIENT).await, reply("unreadable"));
}
