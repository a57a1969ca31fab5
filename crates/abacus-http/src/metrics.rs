//! Metrics of connections and bodies. The service names and registers the handles.

use abacus_runtime::prometheus::{IntCounter, IntCounterVec, IntGauge};

/// Labels of [`Metrics::connections_ended`]: `total` and `address` for refused connections; `head`,
/// `idle` and `write` for connections closed by a timeout.
pub const CONNECTION_END_REASONS: [&str; 5] = ["total", "address", "head", "idle", "write"];

/// Handles of the metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Open connections.
    pub connections: IntGauge,
    /// Connections refused or closed by the server, by reason ([`CONNECTION_END_REASONS`]).
    pub connections_ended: IntCounterVec,
    /// Requests with a body beyond the time limits.
    pub slow_bodies: IntCounter,
}

#[cfg(test)]
impl Metrics {
    /// Metrics without a registry.
    pub(crate) fn unregistered() -> Self {
        use abacus_runtime::prometheus::Opts;
        let ended = Opts::new("connections_ended", "connections ended");
        Self {
            connections: IntGauge::new("connections", "connections").unwrap(),
            connections_ended: IntCounterVec::new(ended, &["reason"]).unwrap(),
            slow_bodies: IntCounter::new("slow_bodies", "slow bodies").unwrap(),
        }
    }
}
