//! What this service measures. Labels come from closed sets: the registered operations, status
//! classes, kinds of reply.

use std::time::Duration;

use abacus_runtime::metrics;
use axum::http::StatusCode;
use axum::response::Response;

use crate::exchange::replies::ReplyKind;

/// The label for everything that is not one of the operations.
pub(crate) const OTHER: &str = "other";

const OUTCOMES: [&str; 4] = ["2xx", "4xx", "5xx", "other"];
const DELIVERIES: [&str; 3] = ["written", "failed", "refused"];
const BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0, 30.0];

metrics! {
    /// The metrics of the ingress.
    pub(crate) struct Metrics {
        /// HTTP requests answered, by operation and class of status; `other` is not for an operation.
        pub(crate) requests: IntCounterVec = "abacus_ingress_requests_total",
            labels ["operation" in operations(), "outcome" in OUTCOMES];
        /// Seconds from an HTTP request to its answer.
        pub(crate) latency: HistogramVec = "abacus_ingress_request_seconds",
            labels ["operation" in operations()], buckets BUCKETS;
        /// Waits for a reply, now.
        pub(crate) waiters: IntGauge = "abacus_ingress_waiters";
        /// Replies read, by kind: answered, late, duplicate, or foreign (not for this instance).
        pub(crate) replies: IntCounterVec = "abacus_ingress_replies_total",
            labels ["kind" in ReplyKind::NAMES];
        /// Waits for computations asked for elsewhere or earlier, by what ended them: the reply, the
        /// request log, or nothing within the wait.
        pub(crate) attached: IntCounterVec = "abacus_ingress_attached_total",
            labels ["source" in ["reply", "log", "nothing"]];
        /// Requests with an idempotency key: claimed, taken over from a crash, replayed, refused as the
        /// key stands for something else, or not decided as Postgres was away.
        pub(crate) keyed: IntCounterVec = "abacus_ingress_keyed_requests_total",
            labels ["outcome" in ["claimed", "taken-over", "replayed", "reused", "unavailable"]];
        /// Questions to the request log for computations that are waited for.
        pub(crate) watcher_queries: IntCounter = "abacus_ingress_watcher_queries_total";
        /// Requests by what became of their record: written, failed, or refused before sending.
        pub(crate) deliveries: IntCounterVec = "abacus_ingress_deliveries_total",
            labels ["outcome" in DELIVERIES];
    }
}

impl Metrics {
    /// Counts a reply of a kind in [`ReplyKind::NAMES`].
    pub(crate) fn count_reply(&self, kind: &'static str) {
        self.replies.with_label_values(&[kind]).inc();
    }

    /// Counts what became of a record.
    pub(crate) fn count_delivery(&self, outcome: &'static str) {
        self.deliveries.with_label_values(&[outcome]).inc();
    }

    /// Counts an answer and the time it took.
    pub(crate) fn count_answer(&self, response: &Response, took: Duration) {
        let operation = response.extensions().get::<About>().map_or(OTHER, |about| about.0);
        self.requests.with_label_values(&[operation, outcome(response.status())]).inc();
        self.latency.with_label_values(&[operation]).observe(took.as_secs_f64());
    }
}

/// The operation that a response is about, left in its extensions to be counted by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About(pub(crate) &'static str);

fn operations() -> impl Iterator<Item = &'static str> {
    let known = abacus_operations::all().iter().map(|operation| operation.name());
    known.chain([OTHER])
}

fn outcome(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        2 => "2xx",
        4 => "4xx",
        5 => "5xx",
        _ => OTHER,
    }
}
