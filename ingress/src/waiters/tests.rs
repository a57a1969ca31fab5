use super::*;

const LONG: Duration = Duration::from_hours(1);
const SHORT: Duration = Duration::from_millis(1);

fn waiters(limit: usize) -> Arc<Waiters> {
    Arc::new(Waiters::new(limit, IntGauge::new("waiters", "help").unwrap()))
}

fn waiting(waiters: &Waiters) -> i64 {
    waiters.gauge.get()
}

#[tokio::test]
async fn a_reply_reaches_its_own_waiter() {
    let waiters = waiters(2);
    let ids = [1, 2].map(Uuid::from_u128);
    let [first, second] = ids.map(|id| waiters.register(id).unwrap());
    assert_eq!(waiters.answer(ids[1].as_bytes(), b"two"), ReplyKind::Answered);
    assert_eq!(waiters.answer(ids[0].as_bytes(), b"one"), ReplyKind::Answered);
    assert_eq!(first.wait(LONG).await, Ending::Reply(b"one".to_vec()));
    assert_eq!(second.wait(LONG).await, Ending::Reply(b"two".to_vec()));
    assert_eq!(waiting(&waiters), 0);
}

#[tokio::test]
async fn replies_without_a_waiter_are_told_apart() {
    let waiters = waiters(2);
    let (answered, gone) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let waiter = waiters.register(answered).unwrap();
    drop(waiters.register(gone).unwrap());
    assert_eq!(waiters.answer(answered.as_bytes(), b""), ReplyKind::Answered);
    assert_eq!(waiters.answer(answered.as_bytes(), b""), ReplyKind::Duplicate);
    drop(waiter);
    assert_eq!(waiters.answer(answered.as_bytes(), b""), ReplyKind::Duplicate);
    assert_eq!(waiters.answer(gone.as_bytes(), b""), ReplyKind::Late);
    assert_eq!(waiters.answer(Uuid::from_u128(3).as_bytes(), b""), ReplyKind::Foreign);
    assert_eq!(waiters.answer(b"not a uuid", b""), ReplyKind::Foreign);
}

#[tokio::test]
async fn a_dropped_waiter_leaves_nothing_behind() {
    let waiters = waiters(1);
    let id = Uuid::from_u128(1);
    let wait = waiters.register(id).unwrap().wait(LONG);
    assert_eq!(waiting(&waiters), 1);
    drop(wait);
    assert_eq!(waiting(&waiters), 0);
    assert!(waiters.state.lock().waiting.is_empty());
}

#[tokio::test]
async fn an_expired_wait_says_whether_the_request_is_in_the_log() {
    let waiters = waiters(2);
    let (written, unknown) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let wait = waiters.register(written).unwrap();
    waiters.mark_written(written);
    assert_eq!(wait.wait(SHORT).await, Ending::Pending);
    assert_eq!(waiters.register(unknown).unwrap().wait(SHORT).await, Ending::Unconfirmed);
    assert_eq!(waiters.answer(written.as_bytes(), b""), ReplyKind::Late);
}

#[tokio::test]
async fn a_failed_delivery_ends_the_wait_at_once() {
    let waiters = waiters(1);
    let id = Uuid::from_u128(1);
    let waiter = waiters.register(id).unwrap();
    waiters.mark_failed(id, "no broker");
    assert_eq!(waiter.wait(LONG).await, Ending::NotWritten("no broker".to_owned()));
}

#[tokio::test]
async fn a_reply_in_the_moment_of_expiry_still_counts() {
    let waiters = waiters(1);
    let id = Uuid::from_u128(1);
    let mut waiter = waiters.register(id).unwrap();
    assert_eq!(waiters.answer(id.as_bytes(), b"42"), ReplyKind::Answered);
    assert_eq!(waiter.expire(), Ending::Reply(b"42".to_vec()));
}

#[tokio::test]
async fn the_limit_holds_and_frees_up() {
    let waiters = waiters(1);
    let first = waiters.register(Uuid::from_u128(1)).unwrap();
    assert!(waiters.register(Uuid::from_u128(2)).is_err());
    drop(first);
    assert!(waiters.register(Uuid::from_u128(2)).is_ok());
}

#[tokio::test]
async fn ending_all_waits_answers_them_by_what_is_known() {
    let waiters = waiters(2);
    let ids = [1, 2].map(Uuid::from_u128);
    let [first, second] = ids.map(|id| waiters.register(id).unwrap());
    waiters.mark_written(ids[0]);
    waiters.end_all();
    assert_eq!(first.wait(LONG).await, Ending::Pending);
    assert_eq!(second.wait(LONG).await, Ending::Unconfirmed);
}
