//! Finds a computation and waits for its end, whichever instance accepted it: what this one
//! remembers first, then the request log, then whatever comes first of the reply and the log's news.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use uuid::Uuid;

use crate::computations::computation::Computation;
use crate::error::Error;
use crate::exchange::attached::Until;
use crate::exchange::waiter::Attachment;
use crate::exchange::waiters::Ending;
use crate::protection::Stay;
use crate::request::call::Call;
use crate::state::AppState;

/// A request this young may not be in the log yet.
const YOUNG: Duration = Duration::from_secs(10);
/// How long it is then waited for.
const LATENCY: Duration = Duration::from_secs(2);
/// Nor may a request of so long ago, if the log is behind.
const FRESH: Duration = Duration::from_mins(10);

/// What the caller may know of the computation, waited for within `wait` where the log is behind: what
/// is nobody's, and what is somebody else's, is unknown in the same words.
pub(crate) async fn find(
    state: &AppState,
    id: Uuid,
    call: &Call,
    wait: Duration,
) -> Result<Computation, Error> {
    let found = match look(state, id).await? {
        None => arrival(state, id, call, wait).await?,
        found => found,
    };
    match found.filter(|computation| call.caller.may_read(computation.requester.as_deref())) {
        Some(computation) => Ok(computation),
        None if is_missing(state, id).await? => Err(Error::LogBehind { id }),
        None => Err(Error::NoSuchComputation { id }),
    }
}

/// A request that may be on its way into the log.
async fn arrival(
    state: &AppState,
    id: Uuid,
    call: &Call,
    wait: Duration,
) -> Result<Option<Computation>, Error> {
    let latency = if is_younger(id, YOUNG) { LATENCY } else { Duration::ZERO };
    let patience = if is_missing(state, id).await? { wait.max(latency) } else { latency };
    if patience.is_zero() {
        return Ok(None);
    }
    news(state, id, call, (Until::Known, patience)).await
}

/// Whether the log may lack it for being behind.
async fn is_missing(state: &AppState, id: Uuid) -> Result<bool, Error> {
    Ok(is_younger(id, FRESH) && state.lag.is_behind(&state.log).await?)
}

/// What becomes of `computation` within `wait`. Without a place to wait in, it is pending still.
pub(crate) async fn follow(
    state: &AppState,
    computation: Computation,
    call: &Call,
    wait: Duration,
) -> Result<Computation, Error> {
    if !computation.is_pending() || wait.is_zero() {
        return Ok(computation);
    }
    match news(state, computation.request_id, call, (Until::Ended, wait)).await {
        Ok(news) => Ok(news.unwrap_or(computation)),
        Err(Error::TooManyWaiting | Error::Protection(_)) => Ok(computation),
        Err(error) => Err(error),
    }
}

/// The end of the computation, if it has come to one or does so within `wait`.
pub(crate) async fn outcome(
    state: &AppState,
    id: Uuid,
    call: &Call,
    wait: Duration,
) -> Result<Option<Computation>, Error> {
    match look(state, id).await? {
        Some(computation) if !computation.is_pending() => Ok(Some(computation)),
        _ if wait.is_zero() => Ok(None),
        _ => news(state, id, call, (Until::Ended, wait)).await,
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
    call: &Call,
    (until, wait): (Until, Duration),
) -> Result<Option<Computation>, Error> {
    let ending = match state.exchange.waiters.attach(id, until)? {
        Attachment::Answered(reply) => Ending::Reply(reply),
        Attachment::Waiting(visit) => {
            let _seat = state.protection.sit(&call.caller, call.from, Stay::Wait)?;
            visit.wait(wait).await
        }
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

/// Whether a request was made less than `limit` ago, as far as its id tells.
fn is_younger(id: Uuid, limit: Duration) -> bool {
    let Some(made) = id.get_timestamp() else { return false };
    let (seconds, nanos) = made.to_unix();
    let made = UNIX_EPOCH + Duration::new(seconds, nanos);
    let age = SystemTime::now().duration_since(made);
    // Clocks differ: from a little ahead is young too.
    age.map_or_else(|ahead| ahead.duration() < YOUNG, |age| age < limit)
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
        assert!(is_younger(Uuid::now_v7(), YOUNG));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let made = |seconds| Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, 0));
        assert!(is_younger(made(now + 5), YOUNG));
        assert!(is_younger(made(now - 500), FRESH) && !is_younger(made(now - 700), FRESH));
        for old in [made(now - 11), made(now + 60), Uuid::new_v4(), Uuid::nil()] {
            assert!(!is_younger(old, YOUNG), "{old}");
        }
    }
}
