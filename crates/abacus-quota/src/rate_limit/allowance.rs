//! One subject's units on this instance: the lease, and the last known state in Redis.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::MutexGuard;

use super::status::{Exceeded, RateLimitStatus};
use super::store::Grant;
use crate::gcra::{Gcra, Quota};

/// The next lease is fetched when 1/`LOW` of a lease remains.
const LOW: u64 = 4;

/// Outcome of an attempt to spend units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spending {
    Spent {
        status: RateLimitStatus,
        /// True if the caller is to fetch the next lease.
        is_running_low: bool,
    },
    /// Redis would refuse too: the last known units, and the units back since then, are too few.
    Refused(RateLimitStatus),
    /// Only Redis can decide.
    Unknown,
}

pub(super) struct Allowance {
    state: Mutex<State>,
    turn: tokio::sync::Mutex<()>,
    is_being_renewed: AtomicBool,
}

struct State {
    /// Usual size of a lease.
    usual: u64,
    /// Units paid for in Redis and not spent.
    lease: u64,
    /// Remaining units in Redis at the last question, and the time of the question.
    redis: Option<(u64, Instant)>,
    /// Units allowed by this instance.
    here: Gcra,
}

impl Allowance {
    pub(super) fn new(usual: u64) -> Self {
        let state = State { usual, lease: 0, redis: None, here: Gcra::default() };
        Self {
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::default(),
            is_being_renewed: AtomicBool::new(false),
        }
    }

    /// Spends units of the lease.
    pub(super) fn spend(&self, quota: Quota, units: u64, now: Instant) -> Spending {
        let mut state = self.state.lock();
        if units <= state.lease {
            state.lease -= units;
            state.here.charge(quota, units, now);
            let is_running_low = state.usual >= LOW && state.lease <= state.usual / LOW;
            return Spending::Spent { status: state.status(quota, now), is_running_low };
        }
        match state.most_in_redis(quota, now) {
            Some(there) if there < units => {
                Spending::Refused(state.refusal(quota, there, units, now))
            }
            _ => Spending::Unknown,
        }
    }

    /// Spends units by the count of this instance alone.
    pub(super) fn spend_alone(
        &self,
        quota: Quota,
        units: u64,
        now: Instant,
    ) -> Result<RateLimitStatus, Exceeded> {
        let mut state = self.state.lock();
        let taken = state.here.take(quota, units, now);
        let left = state.here.left(quota, now);
        taken.map_err(|after| Exceeded(RateLimitStatus { remaining: left, reset_after: after }))?;
        Ok(RateLimitStatus {
            remaining: left,
            reset_after: quota.time_for(quota.units().saturating_sub(left)),
        })
    }

    /// Adds the units of a grant to the lease, and notes the units that remain in Redis.
    pub(super) fn renew(&self, quota: Quota, grant: Grant, now: Instant) {
        let mut state = self.state.lock();
        state.lease = state.lease.saturating_add(grant.units).min(quota.units());
        state.redis = Some((grant.left, now));
    }

    /// Waits for the right to renew the lease.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Begins a renewal in the background. Returns false if a renewal is in progress.
    pub(super) fn begin_renewal(&self) -> bool {
        !self.is_being_renewed.swap(true, Ordering::AcqRel)
    }

    pub(super) fn end_renewal(&self) {
        self.is_being_renewed.store(false, Ordering::Release);
    }
}

impl State {
    /// Upper bound of the units in Redis. Redis has fewer if another instance has taken units since the last question.
    fn most_in_redis(&self, quota: Quota, now: Instant) -> Option<u64> {
        let (left, then) = self.redis?;
        let back = quota.units_in(now.saturating_duration_since(then));
        Some(left.saturating_add(back).min(quota.units()))
    }

    fn status(&self, quota: Quota, now: Instant) -> RateLimitStatus {
        let there = self.most_in_redis(quota, now).unwrap_or(0);
        let left = self.lease.saturating_add(there).min(quota.units());
        RateLimitStatus { remaining: left, reset_after: quota.time_for(quota.units() - left) }
    }

    fn refusal(&self, quota: Quota, there: u64, units: u64, now: Instant) -> RateLimitStatus {
        let waited =
            self.redis.map_or(Duration::ZERO, |(_, then)| now.saturating_duration_since(then));
        // A partly returned unit shortens the wait.
        let on_the_way = waited.saturating_sub(quota.time_for(quota.units_in(waited)));
        let after = quota.time_for(units - there).saturating_sub(on_the_way);
        RateLimitStatus {
            remaining: there.saturating_add(self.lease).min(quota.units()),
            reset_after: after,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quota() -> Quota {
        Quota::new(100, Duration::from_secs(100)).unwrap()
    }

    fn is_spent(spending: Spending) -> bool {
        matches!(spending, Spending::Spent { .. })
    }

    #[test]
    fn a_lease_is_spent_without_asking_and_the_next_is_due_before_its_end() {
        let (allowance, now) = (Allowance::new(8), Instant::now());
        assert_eq!(allowance.spend(quota(), 1, now), Spending::Unknown);
        allowance.renew(quota(), Grant { units: 8, left: 92 }, now);
        for left in (0..8).rev() {
            let status = RateLimitStatus {
                remaining: 92 + left,
                reset_after: Duration::from_secs(8 - left),
            };
            let is_running_low = left <= 2;
            let expected = Spending::Spent { status, is_running_low };
            assert_eq!(allowance.spend(quota(), 1, now), expected);
        }
        assert_eq!(allowance.spend(quota(), 1, now), Spending::Unknown);
    }

    #[test]
    fn a_refusal_holds_without_asking_until_enough_has_come_back() {
        let (allowance, now) = (Allowance::new(1), Instant::now());
        allowance.renew(quota(), Grant { units: 0, left: 2 }, now);
        let refused = |left, seconds| {
            Spending::Refused(RateLimitStatus {
                remaining: left,
                reset_after: Duration::from_secs(seconds),
            })
        };
        assert_eq!(allowance.spend(quota(), 5, now), refused(2, 3));
        let later = now + Duration::from_secs(2);
        assert_eq!(allowance.spend(quota(), 5, later), refused(4, 1));
        let enough = now + Duration::from_secs(3);
        assert_eq!(allowance.spend(quota(), 5, enough), Spending::Unknown);
    }

    #[test]
    fn alone_it_knows_what_it_has_allowed_before() {
        let (allowance, now) = (Allowance::new(60), Instant::now());
        allowance.renew(quota(), Grant { units: 60, left: 0 }, now);
        assert!(is_spent(allowance.spend(quota(), 60, now)));
        assert_eq!(allowance.spend_alone(quota(), 40, now).unwrap().remaining, 0);
        let Exceeded(status) = allowance.spend_alone(quota(), 3, now).unwrap_err();
        assert_eq!(status.reset_after, Duration::from_secs(3));
    }

    #[test]
    fn one_renewal_is_under_way_at_a_time() {
        let allowance = Allowance::new(1);
        assert!(allowance.begin_renewal());
        assert!(!allowance.begin_renewal());
        allowance.end_renewal();
        assert!(allowance.begin_renewal());
    }

    proptest! {
        /// The spent units are never more than the granted units.
        #[test]
        fn nothing_is_spent_that_was_not_granted(
            steps in prop::collection::vec((any::<bool>(), 1_u64..20), 1..200),
        ) {
            let (allowance, now) = (Allowance::new(8), Instant::now());
            let (mut granted, mut spent) = (0, 0);
            for (is_grant, units) in steps {
                if is_grant {
                    allowance.renew(quota(), Grant { units, left: 100 }, now);
                    granted += units;
                } else if is_spent(allowance.spend(quota(), units, now)) {
                    spent += units;
                }
                prop_assert!(spent <= granted);
            }
        }
    }
}
