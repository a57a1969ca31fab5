//! Look-ups of a computation, and waits for the end, for requests of all instances.
//!
//! A look-up reads the memory of this instance, then the request log. A wait ends with the reply,
//! or with an outcome that the watcher finds in the request log.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use abacus_exchange::{Attachment, Recalled, WaitCondition, WaitOutcome};
use uuid::Uuid;

use super::error::Error;
use super::service::Requests;
use crate::quotas::{Client, WaitKind};
use crate::representation::Computation;

/// Age below which a request may not have reached the log yet.
const RECENT: Duration = Duration::from_secs(10);
/// Wait for a recent request to appear in the log.
const ARRIVAL_WAIT: Duration = Duration::from_secs(2);
/// Age below which a request may be missing from a log that is behind.
const MAX_LOG_LAG: Duration = Duration::from_mins(10);

impl Requests {
    /// Returns the computation if the client may read it. A missing computation and another
    /// caller's computation give the same error. While the log is behind, waits up to `wait` for
    /// the request to appear.
    pub(crate) async fn find(
        &self,
        id: Uuid,
        client: &Client,
        wait: Duration,
    ) -> Result<Computation, Error> {
        let found = match self.look_up(id).await? {
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

    /// Waits for a request that may not have reached the log yet.
    async fn await_arrival(
        &self,
        id: Uuid,
        client: &Client,
        wait: Duration,
    ) -> Result<Option<Computation>, Error> {
        let arrival_wait = if is_younger(id, RECENT) { ARRIVAL_WAIT } else { Duration::ZERO };
        let longest_wait =
            if self.may_be_missing(id).await? { wait.max(arrival_wait) } else { arrival_wait };
        if longest_wait.is_zero() {
            return Ok(None);
        }
        self.await_condition(id, client, WaitCondition::Known, longest_wait).await
    }

    /// Returns `true` if the request may be missing because the log is behind.
    async fn may_be_missing(&self, id: Uuid) -> Result<bool, Error> {
        Ok(is_younger(id, MAX_LOG_LAG) && self.lag.is_behind(&self.log).await?)
    }

    /// Waits up to `wait` for the end of a pending computation. Returns the pending computation at
    /// once if the client gets no permit to wait.
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
        match self.await_condition(id, client, WaitCondition::Completed, wait).await {
            Ok(awaited) => Ok(awaited.unwrap_or(computation)),
            Err(Error::Exchange(abacus_exchange::Error::Full) | Error::Quota(_)) => Ok(computation),
            Err(error) => Err(error),
        }
    }

    /// Returns the computation if completed now or within `wait`.
    pub(super) async fn completed_within(
        &self,
        id: Uuid,
        client: &Client,
        wait: Duration,
    ) -> Result<Option<Computation>, Error> {
        match self.look_up(id).await? {
            Some(computation) if !computation.is_pending() => Ok(Some(computation)),
            _ if wait.is_zero() => Ok(None),
            _ => self.await_condition(id, client, WaitCondition::Completed, wait).await,
        }
    }

    async fn look_up(&self, id: Uuid) -> Result<Option<Computation>, Error> {
        match self.exchange.recall(id).await {
            Some(Recalled::Replied(reply)) => Ok(Some(Computation::completed(id, reply))),
            Some(Recalled::Accepted(request)) => {
                Ok(Some(Computation::pending(id, Arc::unwrap_or_clone(request))))
            }
            None => Ok(self.log.find(id).await?.map(Computation::from)),
        }
    }

    async fn await_condition(
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
                ("reply", Some(Computation::completed(id, self.exchange.read(&reply).await?)))
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

/// Returns `true` if the time in a request's id is less than `limit` ago.
fn is_younger(id: Uuid, limit: Duration) -> bool {
    let Some(made) = id.get_timestamp() else { return false };
    let (seconds, nanos) = made.to_unix();
    let made = UNIX_EPOCH + Duration::new(seconds, nanos);
    let age = SystemTime::now().duration_since(made);
    // Clocks differ: an id from the near future counts as recent.
    age.map_or_else(|ahead| ahead.duration() < RECENT, |age| age < limit)
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Timestamp};

    use super::*;

    #[test]
    fn ids_of_the_last_seconds_are_recent() {
        assert!(is_younger(Uuid::now_v7(), RECENT));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let made = |seconds| Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, 0));
        assert!(is_younger(made(now + 5), RECENT));
        assert!(
            is_younger(made(now - 500), MAX_LOG_LAG) && !is_younger(made(now - 700), MAX_LOG_LAG)
        );
        for old in [made(now - 11), made(now + 60), Uuid::new_v4(), Uuid::nil()] {
            assert!(!is_younger(old, RECENT), "{old}");
        }
    }
}
