//! Metrics of the exchange. The service names and registers the metrics.

use abacus_runtime::prometheus::{IntCounterVec, IntGauge, Opts};

/// Labels of [`Metrics::deliveries`].
pub const DELIVERY_OUTCOMES: [&str; 3] = ["written", "failed", "refused"];

/// Handles of the metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Waiters now.
    pub waiters: IntGauge,
    /// Replies read, by [`ReplyKind`](crate::ReplyKind).
    pub replies: IntCounterVec,
    /// Published requests, by outcome ([`DELIVERY_OUTCOMES`]).
    pub deliveries: IntCounterVec,
}

impl Metrics {
    /// Metrics without a registry, for tests and examples.
    ///
    /// # Panics
    ///
    /// Never: the names are valid.
    #[expect(clippy::unwrap_used, reason = "the names are constants")]
    pub fn unregistered() -> Self {
        let counters =
            |name: &str, label| IntCounterVec::new(Opts::new(name, name), &[label]).unwrap();
        Self {
            waiters: IntGauge::new("waiters", "waiters").unwrap(),
            replies: counters("replies", "kind"),
            deliveries: counters("deliveries", "outcome"),
        }
    }

    /// Counts a delivery with an outcome in [`DELIVERY_OUTCOMES`].
    pub fn count_delivery(&self, outcome: &'static str) {
        self.deliveries.with_label_values(&[outcome]).inc();
    }
}
