//! A rate limit for all subjects of a policy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::policy::EvictionPolicy;
use tokio::time::timeout;

use super::allowance::{Allowance, Spending};
use super::status::{Exceeded, RateLimitStatus};
use super::store::LeaseStore;
use crate::gcra::Quota;
use crate::metrics::Metrics;
use crate::subject::Subject;

/// Number of leases in a quota. More leases share the quota more evenly between instances, and ask Redis more often.
const LEASES: u64 = 256;

/// A policy: an equal quota for every subject. Clones share the state.
#[derive(Clone)]
pub struct RateLimit {
    policy: &'static str,
    quota: Quota,
    /// Allowances of the most recently active subjects.
    allowances: moka::sync::Cache<Subject, Arc<Allowance>>,
    store: Option<Arc<LeaseStore>>,
    metrics: Metrics,
}

impl RateLimit {
    /// A policy with memory for at most `keys` subjects. Without a `store` the instance keeps the quota alone.
    pub fn new(
        policy: &'static str,
        quota: Quota,
        keys: u64,
        store: Option<Arc<LeaseStore>>,
        metrics: Metrics,
    ) -> Self {
        let allowances = moka::sync::Cache::builder()
            .max_capacity(keys)
            .time_to_idle(quota.window().max(Duration::from_secs(1)))
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { policy, quota, allowances, store, metrics }
    }

    /// Takes units of a subject's quota. A request for more units than the quota takes the whole quota.
    pub async fn take(&self, subject: &Subject, units: u64) -> Result<RateLimitStatus, Exceeded> {
        let units = units.min(self.quota.units());
        let allowance = self.allowance(subject);
        let taken = match allowance.spend(self.quota, units, Instant::now()) {
            Spending::Spent { status, is_running_low } => {
                if is_running_low {
                    self.renew_in_background(subject, &allowance);
                }
                Ok(status)
            }
            Spending::Refused(status) => Err(Exceeded(status)),
            Spending::Unknown => self.ask(subject, &allowance, units).await,
        };
        let outcome = if taken.is_ok() { "allowed" } else { "refused" };
        self.metrics.limits.with_label_values(&[self.policy, outcome]).inc();
        taken
    }

    fn allowance(&self, subject: &Subject) -> Arc<Allowance> {
        // The look-up first avoids a clone of the subject.
        self.allowances.get(subject).unwrap_or_else(|| {
            self.allowances.get_with(subject.clone(), || Arc::new(Allowance::new(self.lease())))
        })
    }

    /// Units of a lease; a single unit of a small quota.
    fn lease(&self) -> u64 {
        (self.quota.units() / LEASES).max(1)
    }

    /// Takes a lease, and spends units of the lease. Decides alone if Redis does not answer in time.
    async fn ask(
        &self,
        subject: &Subject,
        allowance: &Arc<Allowance>,
        units: u64,
    ) -> Result<RateLimitStatus, Exceeded> {
        let Some(store) = &self.store else { return self.decide_alone(allowance, units) };
        if store.is_away() {
            self.renew_in_background(subject, allowance);
            return self.decide_alone(allowance, units);
        }
        // Concurrent requests wait for one lease instead of taking a lease each.
        let Ok(_turn) = timeout(store.patience(), allowance.turn()).await else {
            return self.decide_alone(allowance, units);
        };
        let mut spending = allowance.spend(self.quota, units, Instant::now());
        if spending == Spending::Unknown {
            let _ = self.renew(store, subject, allowance, units).await;
            spending = allowance.spend(self.quota, units, Instant::now());
        }
        match spending {
            Spending::Spent { status, .. } => Ok(status),
            Spending::Refused(status) => Err(Exceeded(status)),
            Spending::Unknown => self.decide_alone(allowance, units),
        }
    }

    async fn renew(
        &self,
        store: &LeaseStore,
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

    /// Renews a lease in a task. Requests continue to spend the old lease.
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

    fn decide_alone(&self, allowance: &Allowance, units: u64) -> Result<RateLimitStatus, Exceeded> {
        allowance.spend_alone(self.quota, units, Instant::now())
    }
}

#[cfg(test)]
mod tests;
