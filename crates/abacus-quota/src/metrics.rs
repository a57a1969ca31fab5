//! Metrics of limits and permits. The service names and registers them. No label names a subject.

use abacus_runtime::prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};

/// Labels of [`Metrics::shed`].
pub const SHED_REASONS: [&str; 3] = ["caller", "bytes", "delay"];

/// Handles of the metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Decisions of rate limits, by policy and outcome: `allowed` or `refused`.
    pub limits: IntCounterVec,
    /// Questions to Redis for a lease, by outcome: `granted` or `failed`.
    pub leases: IntCounterVec,
    /// Changes to local rate limits because Redis was away.
    pub fallbacks: IntCounter,
    /// 1 while this instance keeps the rate limits alone, else 0.
    pub is_alone: IntGauge,
    /// Refused computations, by reason ([`SHED_REASONS`]).
    pub shed: IntCounterVec,
    /// Estimated bytes of the requests in flight.
    pub in_flight_bytes: IntGauge,
}

impl Metrics {
    /// Metrics without a registry, for tests and examples.
    ///
    /// # Panics
    ///
    /// Never: the names are valid.
    #[expect(clippy::unwrap_used, reason = "the names are constants")]
    pub fn unregistered() -> Self {
        let counters = |name: &str, labels: &[&str]| {
            IntCounterVec::new(Opts::new(name, name), labels).unwrap()
        };
        Self {
            limits: counters("limits", &["policy", "outcome"]),
            leases: counters("leases", &["outcome"]),
            fallbacks: IntCounter::new("fallbacks", "fallbacks").unwrap(),
            is_alone: IntGauge::new("is_alone", "is alone").unwrap(),
            shed: counters("shed", &["reason"]),
            in_flight_bytes: IntGauge::new("in_flight_bytes", "in-flight bytes").unwrap(),
        }
    }
}
