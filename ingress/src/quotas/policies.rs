//! The policies of the ingress: rate limits by account or address, and the limits of `abacus-quota`
//! on concurrency, memory and queue delay.

use std::sync::Arc;

use abacus_http::edge::proxies::ClientAddress;
use abacus_http::fields::rate_limit::RATE_LIMIT_POLICY;
use abacus_operations::Cost;
use abacus_quota::{
    Admission, AdmissionError, Charges, Demand, Exceeded, LeaseStore, Ledger, Limit, Metrics,
    QueueKind, RateLimit, Subject, WaitKind, WaitPermit,
};
use axum::http::HeaderMap;

use super::client::{self, Client};
use super::config::QuotaConfig;
use super::error::{Error, Policy};
use super::permit::{Load, Permit};

const COMPUTE: &str = "compute";
const READS: &str = "reads";
const AUTH_ADDRESS: &str = "auth-address";
const AUTH_ACCOUNT: &str = "auth-account";
const AUTH_ACCOUNT_TOTAL: &str = "auth-account-total";
const CHANGES: &str = "changes";
const CONCURRENCY: &str = "concurrency";

/// Names of the rate limits.
pub(crate) const POLICIES: [&str; 6] =
    [COMPUTE, READS, AUTH_ADDRESS, AUTH_ACCOUNT, AUTH_ACCOUNT_TOTAL, CHANGES];

/// Ratio of the sign-in attempts for an account from all addresses to the attempts from one
/// address. Attackers at fewer addresses cannot delay the owner of the account.
const ADDRESSES_PER_ACCOUNT: u64 = 10;

/// Word operations of one cost unit: about a millisecond of work.
const OPERATIONS_PER_UNIT: u64 = 1_000_000;

/// Admission of requests, before any work.
pub(crate) struct Quotas {
    compute: Option<RatedPolicy>,
    reads: Option<RatedPolicy>,
    auth_address: Option<RatedPolicy>,
    auth_account: Option<RatedPolicy>,
    auth_account_total: Option<RatedPolicy>,
    changes: Option<RatedPolicy>,
    admission: Arc<Admission>,
    heavy_minimum_cost: u64,
}

/// A rate limit, and the description for callers.
struct RatedPolicy {
    limit: RateLimit,
    policy: Policy,
}

impl Quotas {
    /// Creates the configured limits, for an instance with at most `max_waiters` waiting requests.
    /// Connects to Redis on first use.
    pub(crate) fn open(
        config: &QuotaConfig,
        max_waiters: usize,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let store = Arc::new(LeaseStore::new(&config.store, metrics.clone())?);
        Ok(Self::with(config, max_waiters, metrics, Some(&store)))
    }

    fn with(
        config: &QuotaConfig,
        max_waiters: usize,
        metrics: &Metrics,
        store: Option<&Arc<LeaseStore>>,
    ) -> Self {
        let rated = |name, limit: Limit, unit| {
            let quota = limit.0?;
            let limit = RateLimit::new(name, quota, config.keys, store.cloned(), metrics.clone());
            let policy = Policy::new(name, quota.units(), quota.window(), unit);
            Some(RatedPolicy { limit, policy })
        };
        let account_total = config.auth_account.times(ADDRESSES_PER_ACCOUNT);
        Self {
            compute: rated(COMPUTE, config.compute, "cost-units"),
            reads: rated(READS, config.reads, "requests"),
            auth_address: rated(AUTH_ADDRESS, config.auth_address, "requests"),
            auth_account: rated(AUTH_ACCOUNT, config.auth_account, "requests"),
            auth_account_total: rated(AUTH_ACCOUNT_TOTAL, account_total, "requests"),
            changes: rated(CHANGES, config.changes, "requests"),
            admission: Arc::new(Admission::new(config.admission, max_waiters, metrics.clone())),
            heavy_minimum_cost: config.heavy_minimum_cost,
        }
    }

    /// Admits a computation. An error tells when to try again; a refused computation costs no
    /// units.
    pub(crate) async fn admit(&self, client: &Client, load: Load) -> Result<Permit, Error> {
        let demand = Demand { bytes: load.bytes, queue: self.queue(load.cost) };
        let (compute, memory) = self.admission.enter(&client.subject, demand).map_err(refused)?;
        let units = units(load.cost);
        RatedPolicy::take(self.compute.as_ref(), &client.subject, units, &client.ledger).await?;
        Ok(Permit::new(compute, client.ledger.hold(memory)))
    }

    fn queue(&self, cost: Cost) -> QueueKind {
        let threshold = self.heavy_minimum_cost;
        if threshold > 0 && cost.word_operations() >= threshold {
            QueueKind::Heavy
        } else {
            QueueKind::Main
        }
    }

    /// Admits a look-up.
    pub(crate) async fn admit_read(&self, client: &Client) -> Result<(), Error> {
        RatedPolicy::take(self.reads.as_ref(), &client.subject, 1, &client.ledger).await
    }

    /// Counts an existing answer as memory until written.
    pub(crate) fn hold_answer(&self, client: &Client, size: usize) -> Result<(), Error> {
        let bytes = u64::try_from(size).unwrap_or(u64::MAX);
        let permit = self.admission.hold_memory(&client.subject, bytes).map_err(refused)?;
        drop(client.ledger.hold(permit));
        Ok(())
    }

    /// Admits a wait for an earlier computation, or a stream of its events.
    pub(crate) fn wait_permit(&self, client: &Client, kind: WaitKind) -> Result<WaitPermit, Error> {
        self.admission.wait(client.subject.clone(), kind).map_err(refused)
    }

    /// Admits an attempt to sign in to the account `name`, before the password is checked. Attempts
    /// from one address use up the quota of this address, and leave the owner's attempts.
    pub(crate) async fn admit_attempt(
        &self,
        from: ClientAddress,
        name: &str,
        ledger: &Ledger,
    ) -> Result<(), Error> {
        self.admit_unauthenticated(from, ledger).await?;
        let subject = client::account_from_address(name, from);
        RatedPolicy::take(self.auth_account.as_ref(), &subject, 1, ledger).await?;
        let subject = client::account(name);
        RatedPolicy::take(self.auth_account_total.as_ref(), &subject, 1, ledger).await
    }

    /// Admits a caller without known credentials: for a registration, or for the look-up of an API
    /// key.
    pub(crate) async fn admit_unauthenticated(
        &self,
        from: ClientAddress,
        ledger: &Ledger,
    ) -> Result<(), Error> {
        RatedPolicy::take(self.auth_address.as_ref(), &client::address(from), 1, ledger).await
    }

    /// Admits a change of a user's API keys.
    pub(crate) async fn admit_change(&self, user: &Arc<str>, ledger: &Ledger) -> Result<(), Error> {
        RatedPolicy::take(self.changes.as_ref(), &client::user(user), 1, ledger).await
    }

    /// Writes the remaining quotas after a request's charges. A refusal tells only the refusing
    /// quota.
    pub(crate) fn write_statuses(&self, charges: &Charges, headers: &mut HeaderMap) {
        if headers.contains_key(RATE_LIMIT_POLICY) {
            return;
        }
        for (name, status) in &charges.statuses {
            if let Some(policy) = self.policy(name) {
                policy.write(status.remaining, status.reset_after, headers);
            }
        }
    }

    fn policy(&self, name: &str) -> Option<&Policy> {
        let all = [
            &self.compute,
            &self.reads,
            &self.auth_address,
            &self.auth_account,
            &self.auth_account_total,
            &self.changes,
        ];
        all.into_iter().flatten().map(|rated| &rated.policy).find(|policy| policy.name() == name)
    }
}

impl RatedPolicy {
    /// Takes units of a rate limit, if the limit is on.
    async fn take(
        rated: Option<&Self>,
        subject: &Subject,
        units: u64,
        ledger: &Ledger,
    ) -> Result<(), Error> {
        let Some(Self { limit, policy }) = rated else { return Ok(()) };
        match limit.take(subject, units).await {
            Ok(status) => {
                ledger.note(policy.name(), status);
                Ok(())
            }
            Err(Exceeded(status)) => Err(Error::QuotaExceeded { policy: policy.clone(), status }),
        }
    }
}

/// Returns the cost units of a computation: one, and one more for each million word operations.
fn units(cost: Cost) -> u64 {
    1 + cost.word_operations() / OPERATIONS_PER_UNIT
}

fn refused(error: AdmissionError) -> Error {
    match error {
        AdmissionError::Share { limit } => {
            Error::TooManyAtOnce { policy: Policy::concurrent(CONCURRENCY, limit), limit }
        }
        AdmissionError::Bytes => Error::OutOfMemory,
        AdmissionError::Delay(after) => Error::Overloaded { after },
    }
}

#[cfg(test)]
impl Quotas {
    /// Creates the default limits, without Redis.
    pub(crate) fn local() -> Self {
        Self::local_with(&[])
    }

    /// Creates the limits of these settings, without Redis.
    pub(crate) fn local_with(settings: &[(&str, &str)]) -> Self {
        use abacus_runtime::{Config as _, Environment};
        let mut env = Environment::from_pairs(settings.iter().copied());
        let config = QuotaConfig::read(&mut env);
        env.finish().unwrap();
        Self::with(&config, 20_000, &Metrics::unregistered(), None)
    }
}

#[cfg(test)]
mod tests;
