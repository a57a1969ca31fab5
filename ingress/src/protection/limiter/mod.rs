//! Rate limits: what each caller has used of a [`Quota`], over all instances.
//!
//! The truth is in Redis ([`store`]), but most requests do not ask it: an instance takes a share of
//! the caller's units at a time, a *lease*, and spends it here ([`allowance`]); the next is fetched
//! before it runs out. A unit is paid for in Redis before it is spent, so all instances together
//! never allow more than the quota; what a lease holds back from the others is a small part of it.
//!
//! While Redis is away, each instance keeps the quota by itself, from what it has allowed so far.
//! Neither a slow nor a missing Redis holds up a request for longer than its deadline.

mod allowance;
mod store;

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::policy::EvictionPolicy;
use tokio::time::timeout;

use self::allowance::{Allowance, Spending};
use super::metrics::Metrics;
use super::quota::Quota;
use super::subject::Subject;
pub(super) use store::{Store, StoreConfig};

/// Leases a quota is good for. More make the instances share more evenly, and ask Redis more often.
const LEASES: u64 = 256;

/// What is left of a caller's quota, as well as this instance knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(super) left: u64,
    /// Until the quota is whole again; after a refusal, until there is enough for what was asked.
    pub(super) after: Duration,
}

/// There is not enough left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded(pub(super) Standing);

/// One policy, for all callers. Clones are handles to the same.
#[derive(Clone)]
pub(super) struct Limiter {
    policy: &'static str,
    quota: Quota,
    /// As many as are allowed, the ones used last.
    allowances: moka::sync::Cache<Subject, Arc<Allowance>>,
    store: Option<Arc<Store>>,
    metrics: Metrics,
}

impl Limiter {
    /// The policy's allowances of at most `keys` callers; without a `store` the instance is alone.
    pub(super) fn new(
        policy: &'static str,
        quota: Quota,
        keys: u64,
        store: Option<Arc<Store>>,
        metrics: Metrics,
    ) -> Self {
        let allowances = moka::sync::Cache::builder()
            .max_capacity(keys)
            .time_to_idle(quota.window().max(Duration::from_secs(1)))
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { policy, quota, allowances, store, metrics }
    }

    /// Uses units of a caller's quota; what would take more than all of it takes all of it.
    pub(super) async fn take(&self, subject: &Subject, units: u64) -> Result<Standing, Exceeded> {
        let units = units.min(self.quota.units());
        let allowance = self.allowance(subject);
        let taken = match allowance.spend(self.quota, units, Instant::now()) {
            Spending::Spent { standing, is_running_low } => {
                if is_running_low {
                    self.renew_in_background(subject, &allowance);
                }
                Ok(standing)
            }
            Spending::Refused(standing) => Err(Exceeded(standing)),
            Spending::Unknown => self.ask(subject, &allowance, units).await,
        };
        let outcome = if taken.is_ok() { "allowed" } else { "refused" };
        self.metrics.limits.with_label_values(&[self.policy, outcome]).inc();
        taken
    }

    fn allowance(&self, subject: &Subject) -> Arc<Allowance> {
        // Looking first spares a clone of the subject.
        self.allowances.get(subject).unwrap_or_else(|| {
            self.allowances.get_with(subject.clone(), || Arc::new(Allowance::new(self.lease())))
        })
    }

    /// How many units an instance takes at a time. Of a small quota, it takes each one by itself.
    fn lease(&self) -> u64 {
        (self.quota.units() / LEASES).max(1)
    }

    /// Takes a lease and spends of it, or decides alone where that cannot be done in time.
    async fn ask(
        &self,
        subject: &Subject,
        allowance: &Arc<Allowance>,
        units: u64,
    ) -> Result<Standing, Exceeded> {
        let Some(store) = &self.store else { return self.decide_alone(allowance, units) };
        if store.is_away() {
            self.renew_in_background(subject, allowance);
            return self.decide_alone(allowance, units);
        }
        // Those who come at once wait for one lease, rather than take one each.
        let Ok(_turn) = timeout(store.patience(), allowance.turn()).await else {
            return self.decide_alone(allowance, units);
        };
        let mut spending = allowance.spend(self.quota, units, Instant::now());
        if spending == Spending::Unknown {
            let _ = self.renew(store, subject, allowance, units).await;
            spending = allowance.spend(self.quota, units, Instant::now());
        }
        match spending {
            Spending::Spent { standing, .. } => Ok(standing),
            Spending::Refused(standing) => Err(Exceeded(standing)),
            Spending::Unknown => self.decide_alone(allowance, units),
        }
    }

    async fn renew(
        &self,
        store: &Store,
        subject: &Subject,
        allowance: &Allowance,
        units: u64,
    ) -> Option<()> {
        let key = format!("{}:{subject}", self.policy);
        let wanted = units.max(self.lease());
        let grant = store.lease(&key, self.quota, units, wanted).await?;
        allowance.renew(self.quota, grant, Instant::now());
        Some(())
    }

    /// Renews a lease that others go on spending meanwhile.
    fn renew_in_background(&self, subject: &Subject, allowance: &Arc<Allowance>) {
        let Some(store) = self.store.clone() else { return };
        if !store.may_be_asked() || !allowance.begin_renewal() {
            return;
        }
        let (this, subject, allowance) = (self.clone(), subject.clone(), Arc::clone(allowance));
        tokio::spawn(async move {
            let _ = this.renew(&store, &subject, &allowance, 1).await;
            allowance.end_renewal();
        });
    }

    fn decide_alone(&self, allowance: &Allowance, units: u64) -> Result<Standing, Exceeded> {
        allowance.spend_alone(self.quota, units, Instant::now())
    }
}

#[cfg(test)]
mod tests;
