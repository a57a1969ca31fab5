//! Finds a computation and waits for its end, whichever instance accepted it: what this one
//! remembers first, then the request log, then whatever comes first of the reply and the log's news.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use uuid::Uuid;

use crate::attached::Until;
use crate::computation::Computation;
use crate::error::Error;
use crate::identity::Caller;
use crate::state::AppState;
use crate::waiter::Attachment;
use crate::waiters::Ending;

/// A request this young may not be in the log yet.
const YOUNG: Duration = Duration::from_secs(10);
/// How long it is then waited for.
const LATENCY: Duration = Duration::from_secs(2);

/// What `caller` may know of the computation: what is nobody's, and what is somebody else's, is
/// unknown in the same words.
pub(crate) async fn find(
    state: &AppState,
    id: Uuid,
    caller: &Caller,
) -> Result<Computation, Error> {
    let found = match look(state, id).await? {
        None if is_young(id) => news(state, id, Until::Known, LATENCY).await?,
        found => found,
    };
    found
        .filter(|computation| caller.may_read(computation.requester.as_deref()))
        .ok_or(Error::NoSuchComputation { id })
}

/// What becomes of `computation` within `wait`.
pub(crate) async fn follow(
    state: &AppState,
    computation: Computation,
    wait: Duration,
) -> Result<Computation, Error> {
    if !computation.is_pending() || wait.is_zero() {
        return Ok(computation);
    }
    let news = news(state, computation.request_id, Until::Ended, wait).await?;
    Ok(news.unwrap_or(computation))
}

/// The end of the computation, if it has come to one or does so within `wait`.
pub(crate) async fn outcome(
    state: &AppState,
    id: Uuid,
    wait: Duration,
) -> Result<Option<Computation>, Error> {
    match look(state, id).await? {
        Some(computation) if !computation.is_pending() => Ok(Some(computation)),
        _ if wait.is_zero() => Ok(None),
        _ => news(state, id, Until::Ended, wait).await,
    }
}

async fn look(state: &AppState, id: Uuid) -> Result<Option<Computation>, Error> {
    match state.exchange.recall(id).await {
        Some(computation) => Ok(Some(computation)),
        None => state.log.find(id).await,
    }
}

async fn news(
    state: &AppState,
    id: Uuid,
    until: Until,
    wait: Duration,
) -> Result<Option<Computation>, Error> {
    let ending = match state.exchange.waiters.attach(id, until)? {
        Attachment::Answered(reply) => Ending::Reply(reply),
        Attachment::Waiting(visit) => visit.wait(wait).await,
        Attachment::Closed => Ending::Pending,
    };
    let (source, computation) = match ending {
        Ending::Reply(reply) => {
            ("reply", Some(Computation::of(id, state.exchange.read(&reply).await?)))
        }
        Ending::Logged(computation) => ("log", Some(Arc::unwrap_or_clone(computation))),
        Ending::Pending | Ending::NotWritten(_) | Ending::Unconfirmed => ("nothing", None),
    };
    state.metrics.attached.with_label_values(&[source]).inc();
    Ok(computation)
}

/// Whether a request was made just now, as far as its id tells.
fn is_young(id: Uuid) -> bool {
    let Some(made) = id.get_timestamp() else { return false };
    let (seconds, nanos) = made.to_unix();
    let made = UNIX_EPOCH + Duration::new(seconds, nanos);
    let age = SystemTime::now().duration_since(made);
    // Clocks differ: from a little ahead is young too.
    age.map_or_else(|ahead| ahead.duration() < YOUNG, |age| age < YOUNG)
}

/// What is left of a wait.
pub(crate) fn left(began: Instant, wait: Duration) -> Duration {
    wait.saturating_sub(began.elapsed())
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Timestamp};

    use super::*;

    #[test]
    fn ids_of_the_last_seconds_are_young() {
        assert!(is_young(Uuid::now_v7()));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let made = |seconds| Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, 0));
        assert!(is_young(made(now + 5)));
        for old in [made(now - 11), made(now + 60), Uuid::new_v4(), Uuid::nil()] {
            assert!(!is_young(old), "{old}");
        }
    }
}
