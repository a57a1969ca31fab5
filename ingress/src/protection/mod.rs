//! What keeps one caller from hurting the others, and all of them from hurting us.
//!
//! Before any work a computation passes [`admission`] and the caller's rate limit ([`limiter`]): it
//! leaves with a [`Permit`], which holds its place until it is answered; the memory for the answer is
//! held until that is written ([`charges`]). All requests pass the
//! [`guard`], which bounds what they may send and how slowly, and sets the headers that keep browsers
//! safe. Connections are the server's affair ([`crate::server`]).
//!
//! **Invariants:** what is refused has cost no work and is told when to come back; no request waits
//! for Redis longer than its deadline, and most do not ask it; all memory kept by caller is bounded.

mod admission;
mod body;
mod charges;
mod client;
mod config;
mod cors;
mod error;
mod fields;
mod forwarded;
mod guard;
mod headers;
mod limiter;
mod metrics;
mod quota;
mod subject;

use std::sync::Arc;

use abacus_operations::Cost;

use crate::identity::Caller;
use admission::{Admission, Place, Refusal, Room};
use fields::Policy;
use limiter::{Exceeded, Limiter, Store};
use quota::Limit;
use subject::Subject;

pub(crate) use admission::{Seat, Stay};
pub(crate) use body::hold_until_sent;
pub(crate) use charges::{charged, hold_until_written};
pub(crate) use client::ClientAddress;
pub(crate) use config::ProtectionConfig;
pub(crate) use error::Error;
pub(crate) use forwarded::Proxies;
pub(crate) use guard::{Guard, guard};
pub(crate) use metrics::Metrics;

const COMPUTE: &str = "compute";
const READS: &str = "reads";
const AUTH_ADDRESS: &str = "auth-address";
const AUTH_ACCOUNT: &str = "auth-account";
const AUTH_ACCOUNT_TOTAL: &str = "auth-account-total";
const CHANGES: &str = "changes";
const CONCURRENCY: &str = "concurrency";
const POLICIES: [&str; 6] =
    [COMPUTE, READS, AUTH_ADDRESS, AUTH_ACCOUNT, AUTH_ACCOUNT_TOTAL, CHANGES];

/// From how many addresses an account's attempts may come before strangers are in its owner's way.
const ADDRESSES: u64 = 10;

/// Word operations that make a cost unit: about a millisecond.
const UNIT: u64 = 1_000_000;

/// Decides who is let in, before any work.
pub(crate) struct Protection {
    compute: Option<Rated>,
    reads: Option<Rated>,
    auth_address: Option<Rated>,
    auth_account: Option<Rated>,
    auth_account_total: Option<Rated>,
    changes: Option<Rated>,
    admission: Arc<Admission>,
    proxies: Proxies,
    guard: Guard,
}

/// A limiter, and how callers are told of it.
struct Rated {
    limiter: Limiter,
    policy: Policy,
}

/// What a request asks of us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Of the computation.
    pub(crate) cost: Cost,
    /// What is held while it is waited for: the request, and the result to come.
    pub(crate) bytes: u64,
}

/// Leave to compute. Its place is free again once this is dropped, so it is held until the reply is
/// there.
pub(crate) struct Permit {
    place: Place,
    /// Unless the answer has it.
    room: Option<Room>,
}

/// The memory for an answer; it is free again once this is dropped.
pub(crate) struct Held(#[expect(dead_code, reason = "what counts is its end")] Option<Room>);

impl Permit {
    /// The reply has come. From how many do, in which time, the wait of others is estimated.
    pub(crate) fn mark_answered(&mut self) {
        self.place.mark_answered();
    }

    /// Leaves the place, and keeps the memory for what is to be written.
    pub(crate) fn into_held(self) -> Held {
        Held(self.room)
    }
}

impl Protection {
    /// What `config` says, where at most `max_waiters` wait. Redis is connected to when it is needed.
    pub(crate) fn open(
        config: &ProtectionConfig,
        max_waiters: usize,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let store = Arc::new(Store::new(&config.store, metrics.clone())?);
        Ok(Self::with(config, max_waiters, metrics, Some(&store)))
    }

    fn with(
        config: &ProtectionConfig,
        max_waiters: usize,
        metrics: &Metrics,
        store: Option<&Arc<Store>>,
    ) -> Self {
        let rated = |name, limit: Limit, unit| {
            let quota = limit.0?;
            let limiter = Limiter::new(name, quota, config.keys, store.cloned(), metrics.clone());
            Some(Rated { limiter, policy: Policy::new(name, quota, unit) })
        };
        Self {
            compute: rated(COMPUTE, config.compute, "cost-units"),
            reads: rated(READS, config.reads, "requests"),
            auth_address: rated(AUTH_ADDRESS, config.auth_address, "requests"),
            auth_account: rated(AUTH_ACCOUNT, config.auth_account, "requests"),
            auth_account_total: rated(
                AUTH_ACCOUNT_TOTAL,
                config.auth_account.times(ADDRESSES),
                "requests",
            ),
            changes: rated(CHANGES, config.changes, "requests"),
            admission: Arc::new(Admission::new(config.admission, max_waiters, metrics.clone())),
            proxies: config.proxies.clone(),
            guard: Guard::new(config, metrics.clone()),
        }
    }

    /// Lets a computation in, or says why not and when to come back.
    pub(crate) async fn admit(
        &self,
        caller: &Caller,
        from: ClientAddress,
        load: Load,
    ) -> Result<Permit, Error> {
        let subject = Subject::of(caller, from);
        let (place, room) = self.admission.enter(&subject, load)?;
        // Whoever is told to come back has paid nothing.
        Rated::take(self.compute.as_ref(), &subject, units(load.cost)).await?;
        Ok(Permit { place, room: charges::hold(room) })
    }

    /// Lets a look-up in.
    pub(crate) async fn admit_read(
        &self,
        caller: &Caller,
        from: ClientAddress,
    ) -> Result<(), Error> {
        Rated::take(self.reads.as_ref(), &Subject::of(caller, from), 1).await
    }

    /// Counts an answer that was found as memory until it is written.
    pub(crate) fn hold_answer(
        &self,
        caller: &Caller,
        from: ClientAddress,
        size: usize,
    ) -> Result<(), Error> {
        let bytes = u64::try_from(size).unwrap_or(u64::MAX);
        let room = self.admission.make_room(&Subject::of(caller, from), bytes)?;
        drop(charges::hold(room));
        Ok(())
    }

    /// Lets somebody wait for, or follow, what was asked for before.
    pub(crate) fn sit(
        &self,
        caller: &Caller,
        from: ClientAddress,
        stay: Stay,
    ) -> Result<Seat, Error> {
        Ok(self.admission.sit(Subject::of(caller, from), stay)?)
    }

    /// Lets an attempt to sign in to the account `name` in. Whether it will succeed does not matter:
    /// this is asked before any password is looked at. A stranger at one address takes up that
    /// address' part of the account's attempts, and not those of its owner.
    pub(crate) async fn admit_attempt(&self, from: ClientAddress, name: &str) -> Result<(), Error> {
        self.admit_stranger(from).await?;
        Rated::take(self.auth_account.as_ref(), &Subject::account_from(name, from), 1).await?;
        Rated::take(self.auth_account_total.as_ref(), &Subject::account(name), 1).await
    }

    /// Lets somebody in who is not known yet: who wants an account, or has a key to be looked up.
    pub(crate) async fn admit_stranger(&self, from: ClientAddress) -> Result<(), Error> {
        Rated::take(self.auth_address.as_ref(), &Subject::address(from), 1).await
    }

    /// Lets a change of what a user has in.
    pub(crate) async fn admit_change(&self, user: &Arc<str>) -> Result<(), Error> {
        Rated::take(self.changes.as_ref(), &Subject::User(Arc::clone(user)), 1).await
    }

    /// The proxies that say whom they ask for.
    pub(crate) fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// What holds for all requests.
    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }
}

impl Rated {
    /// Uses units of a limit, if there is one.
    async fn take(rated: Option<&Self>, subject: &Subject, units: u64) -> Result<(), Error> {
        let Some(Self { limiter, policy }) = rated else { return Ok(()) };
        match limiter.take(subject, units).await {
            Ok(standing) => {
                charges::note(policy, standing);
                Ok(())
            }
            Err(Exceeded(standing)) => {
                Err(Error::QuotaExceeded { policy: policy.clone(), standing })
            }
        }
    }
}

/// One for the request, and one for each million word operations.
fn units(cost: Cost) -> u64 {
    1 + cost.word_operations() / UNIT
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Share { limit } => {
                Self::TooManyAtOnce { policy: Policy::concurrent(CONCURRENCY, limit), limit }
            }
            Refusal::Bytes => Self::OutOfMemory,
            Refusal::Delay(after) => Self::Overloaded { after },
        }
    }
}

#[cfg(test)]
impl Protection {
    /// The defaults, and no Redis.
    pub(crate) fn new() -> Self {
        Self::of(&[])
    }

    /// These settings, and no Redis.
    pub(crate) fn of(settings: &[(&str, &str)]) -> Self {
        use abacus_runtime::prometheus::Registry;
        use abacus_runtime::{Config as _, Environment};
        let mut env = Environment::from_pairs(settings.iter().copied());
        let config = ProtectionConfig::read(&mut env);
        env.finish().unwrap();
        let metrics = Metrics::register(&Registry::new()).unwrap();
        Self::with(&config, 20_000, &metrics, None)
    }
}

#[cfg(test)]
mod tests;
