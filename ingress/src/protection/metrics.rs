//! What protection measures. No caller is named in a label.

use abacus_runtime::metrics;

use super::POLICIES;

metrics! {
    /// The metrics of protection.
    pub(crate) struct Metrics {
        /// Decisions of rate limits, by policy: allowed or refused.
        pub(crate) limits: IntCounterVec = "abacus_ingress_limit_decisions_total",
            labels ["policy" in POLICIES, "outcome" in ["allowed", "refused"]];
        /// Questions to Redis about a share of a caller's quota: granted or failed.
        pub(crate) leases: IntCounterVec = "abacus_ingress_limit_leases_total",
            labels ["outcome" in ["granted", "failed"]];
        /// How often this instance began to keep the rate limits by itself, as Redis was away.
        pub(crate) fallbacks: IntCounter = "abacus_ingress_limit_fallbacks_total";
        /// Whether this instance keeps the rate limits by itself: 0 or 1.
        pub(crate) is_alone: IntGauge = "abacus_ingress_limits_local";
        /// Computations not let in, by reason: callers (one had its share), bytes, or delay.
        pub(crate) shed: IntCounterVec = "abacus_ingress_shed_total",
            labels ["reason" in ["caller", "bytes", "delay"]];
        /// Bytes that requests in flight hold, or will: estimates.
        pub(crate) in_flight_bytes: IntGauge = "abacus_ingress_in_flight_bytes";
        /// Connections that are open.
        pub(crate) connections: IntGauge = "abacus_ingress_connections";
        /// Connections that were not served, by reason: total or address (too many there), or cut for
        /// standing still: head, idle, or write.
        pub(crate) connections_ended: IntCounterVec = "abacus_ingress_connections_ended_total",
            labels ["reason" in ["total", "address", "head", "idle", "write"]];
        /// Requests whose body did not come in time.
        pub(crate) slow_bodies: IntCounter = "abacus_ingress_slow_bodies_total";
    }
}
