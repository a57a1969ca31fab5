//! Finds a computation and waits for its end, whichever instance accepted it: first in this instance's memory, then in
//! the request log, then by waiting for the reply or for news of the request log.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use abacus_exchange::{Attachment, Recalled, WaitCondition, WaitOutcome};
use uuid::Uuid;

use super::error::Error;
use super::service::Requests;
use crate::quotas::{Client, WaitKind};
use crate::representation::Computation;

/// A younger request may not be in the log yet.
const YOUNG: Duration = Duration::from_secs(10);
/// Wait for a young request to appear in the log.
const LATENCY: Duration = Duration::from_secs(2);
/// A younger request may be missing from a log that is behind.
const FRESH: Duration = Duration::from_mins(10);

impl Requests {
    /// Returns the computation if the client may read it. A missing computation and somebody else's give the same
    /// error. While the log is behind, waits up to `wait` for the request to appear.
    pub(crate) async fn find(
        &self,
        id: Uuid,
        client: &Client,
        wait: Duration,
    ) -> Result<Computation, Error> {
        let found = match self.look(id).await? {
            None => self.await_arrival(id, client, wait).await?,
            found => found,
        };
        let caller = &client.caller;
        match found.filter(|computation| caller.may_read(computation.requester.as_deref())) {
            Some(computation) => Ok(computation),
            None if self.may_be_missing(id).await? => Err(Error::LogBehind { id }),
            None => Err(Error::NoSuchComputation { id }),
        }
    }

    /// Waits for a request that may be on its way into the log.
    async fn await_arrival(
        &self,
        id: Uuid,
        client: &Client,
        wait: Duration,
    ) -> Result<Option<Computation>, Error> {
        let latency = if is_younger(id, YOUNG) { LATENCY } else { Duration::ZERO };
        let patience = if self.may_be_missing(id).await? { wait.max(latency) } else { latency };
        if patience.is_zero() {
            return Ok(None);
        }
        self.await_news(id, client, WaitCondition::Known, patience).await
    }

    /// Whether the log may lack the request because the log is behind.
    async fn may_be_missing(&self, id: Uuid) -> Result<bool, Error> {
        Ok(is_younger(id, FRESH) && self.lag.is_behind(&self.log).await?)
    }

    /// Waits up to `wait` for the end of a pending computation. A client without a permit to wait gets the pending
    /// computation at once.
    pub(crate) async fn follow(
        &self,
        computation: Computation,
        client: &Client,
        wait: Duration,
    ) -> Result<Computation, Error> {
        if !computation.is_pending() || wait.is_zero() {
            return Ok(computation);
        }
        let id = computation.request_id;
        match self.await_news(id, client, WaitCondition::Completed, wait).await {
            Ok(news) => Ok(news.unwrap_or(computation)),
            Err(Error::Exchange(abacus_exchange::Error::Full) | Error::Quota(_)) => Ok(computation),
            Err(error) => Err(error),
        }
    }

    /// Returns the computation if it has ended, or ends within `wait`.
    pub(super) async fn outcome(
        &self,
        id: Uuid,
        client: &Client,
        wait: Duration,
    ) -> Result<Option<Computation>, Error> {
        match self.look(id).await? {
            Some(computation) if !computation.is_pending() => Ok(Some(computation)),
            _ if wait.is_zero() => Ok(None),
            _ => self.await_news(id, client, WaitCondition::Completed, wait).await,
        }
    }

    async fn look(&self, id: Uuid) -> Result<Option<Computation>, Error> {
        match self.exchange.recall(id).await {
            Some(Recalled::Replied(reply)) => Ok(Some(Computation::completed(id, reply))),
            Some(Recalled::Accepted(request)) => {
                Ok(Some(Computation::pending(id, Arc::unwrap_or_clone(request))))
            }
            None => Ok(self.log.find(id).await?.map(Computation::from)),
        }
    }

    async fn await_news(
        &self,
        id: Uuid,
        client: &Client,
        condition: WaitCondition,
        wait: Duration,
    ) -> Result<Option<Computation>, Error> {
        let outcome = match self.exchange.attach(id, condition)? {
            Attachment::Replied(reply) => WaitOutcome::Replied(reply),
            Attachment::Waiting(waiter) => {
                let _permit = self.quotas.wait_permit(client, WaitKind::Wait)?;
                waiter.wait(wait).await
            }
            Attachment::Closed => WaitOutcome::Pending,
        };
        let (source, computation) = match outcome {
            WaitOutcome::Replied(reply) => {
                ("reply", Some(Computation::completed(id, self.exchange.read(id, &reply).await?)))
            }
            WaitOutcome::Logged(request) => {
                ("log", Some(Computation::from(Arc::unwrap_or_clone(request))))
            }
            WaitOutcome::Pending | WaitOutcome::NotWritten(_) | WaitOutcome::Unconfirmed => {
                ("nothing", None)
            }
        };
        self.metrics.attached.with_label_values(&[source]).inc();
        Ok(computation)
    }
}

/// Whether a request was made less than `limit` ago, by the time in its id.
fn is_younger(id: Uuid, limit: Duration) -> bool {
    let Some(made) = id.get_timestamp() else { return false };
    let (seconds, nanos) = made.to_unix();
    let made = UNIX_EPOCH + Duration::new(seconds, nanos);
    let age = SystemTime::now().duration_since(made);
    // Clocks differ: an id from slightly ahead is young too.
    age.map_or_else(|ahead| ahead.duration() < YOUNG, |age| age < limit)
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
