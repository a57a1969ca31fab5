//! Metrics of the ingress. Labels come from closed sets; no label names a caller.

use std::time::Duration;

use abacus_exchange::{DELIVERY_OUTCOMES, ReplyKind};
use abacus_http::metrics::CONNECTION_END_REASONS;
use abacus_identity::CredentialFault;
use abacus_quota::metrics::SHED_REASONS;
use abacus_runtime::metrics;
use axum::http::StatusCode;
use axum::response::Response;

use crate::quotas::POLICIES;

/// Label of requests without an operation.
pub(crate) const OTHER: &str = "other";

const OUTCOMES: [&str; 4] = ["2xx", "4xx", "5xx", "other"];
const BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0, 30.0];
const HASH_BUCKETS: [f64; 8] = [0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0];

metrics! {
    /// Metrics of requests and replies.
    pub(crate) struct Metrics {
        /// Answered HTTP requests, by operation and class of status; `other` stands for requests
        /// without an operation.
        pub(crate) requests: IntCounterVec = "abacus_ingress_requests_total",
            labels ["operation" in operations(), "outcome" in OUTCOMES];
        /// Seconds from the arrival of an HTTP request to the answer.
        pub(crate) latency: HistogramVec = "abacus_ingress_request_seconds",
            labels ["operation" in operations()], buckets BUCKETS;
        /// Registered waiters for replies.
        pub(crate) waiters: IntGauge = "abacus_ingress_waiters";
        /// Replies read, by kind: answered, late, duplicate, foreign (for another instance), or
        /// mismatched (about another request than the correlation id; dropped).
        pub(crate) replies: IntCounterVec = "abacus_ingress_replies_total",
            labels ["kind" in ReplyKind::NAMES];
        /// Waits of attached callers, by source of the outcome: the reply, the request log (log),
        /// or no outcome within the wait (nothing).
        pub(crate) attached: IntCounterVec = "abacus_ingress_attached_total",
            labels ["source" in ["reply", "log", "nothing"]];
        /// Requests with an idempotency key, by outcome: claimed, taken-over (after a crash),
        /// found (in the event log, after a crash), replayed, reused (for another computation), or
        /// unavailable (Postgres or the event log was away).
        pub(crate) keyed: IntCounterVec = "abacus_ingress_keyed_requests_total",
            labels ["outcome" in ["claimed", "taken-over", "found", "replayed", "reused", "unavailable"]];
        /// Queries to the request log for awaited computations.
        pub(crate) watcher_queries: IntCounter = "abacus_ingress_watcher_queries_total";
        /// Requests by delivery of the record: written, failed, or refused before sending.
        pub(crate) deliveries: IntCounterVec = "abacus_ingress_deliveries_total",
            labels ["outcome" in DELIVERY_OUTCOMES];
    }
}

metrics! {
    /// Metrics of limits, and of connections.
    pub(crate) struct LimitMetrics {
        /// Decisions of rate limits, by policy: allowed or refused.
        pub(crate) limits: IntCounterVec = "abacus_ingress_limit_decisions_total",
            labels ["policy" in POLICIES, "outcome" in ["allowed", "refused"]];
        /// Requests to Redis for a quota lease: granted or failed.
        pub(crate) leases: IntCounterVec = "abacus_ingress_limit_leases_total",
            labels ["outcome" in ["granted", "failed"]];
        /// Switches of this instance to local rate limits because Redis was away.
        pub(crate) fallbacks: IntCounter = "abacus_ingress_limit_fallbacks_total";
        /// 1 while this instance keeps the rate limits without Redis, else 0.
        pub(crate) is_alone: IntGauge = "abacus_ingress_limits_local";
        /// Refused computations, by reason: caller (limit of one caller), bytes (memory limit), or
        /// delay (estimated queue delay).
        pub(crate) shed: IntCounterVec = "abacus_ingress_shed_total",
            labels ["reason" in SHED_REASONS];
        /// Estimated bytes of the requests in flight.
        pub(crate) in_flight_bytes: IntGauge = "abacus_ingress_in_flight_bytes";
        /// Open connections.
        pub(crate) connections: IntGauge = "abacus_ingress_connections";
        /// Ended connections, by reason: refused by the limit of all connections (total) or of one
        /// address (address), or closed for a slow request head (head), idleness (idle), or a slow
        /// reader (write).
        pub(crate) connections_ended: IntCounterVec = "abacus_ingress_connections_ended_total",
            labels ["reason" in CONNECTION_END_REASONS];
        /// Requests with a body that did not arrive in time.
        pub(crate) slow_bodies: IntCounter = "abacus_ingress_slow_bodies_total";
    }
}

metrics! {
    /// Metrics of identity.
    pub(crate) struct IdentityMetrics {
        /// Attempts to sign in, by outcome.
        pub(crate) logins: IntCounterVec = "abacus_ingress_logins_total",
            labels ["outcome" in abacus_identity::Metrics::LOGIN_OUTCOMES];
        /// Attempts to make an account, by outcome.
        pub(crate) registrations: IntCounterVec = "abacus_ingress_registrations_total",
            labels ["outcome" in abacus_identity::Metrics::REGISTRATION_OUTCOMES];
        /// Requests refused for their credentials, by fault.
        pub(crate) refused_credentials: IntCounterVec = "abacus_ingress_credentials_refused_total",
            labels ["fault" in CredentialFault::LABELS];
        /// Seconds for computing a password hash.
        pub(crate) hashes: Histogram = "abacus_ingress_password_hash_seconds",
            buckets HASH_BUCKETS;
        /// Password hashes refused because too many were waiting.
        pub(crate) hashes_refused: IntCounter = "abacus_ingress_password_hashes_refused_total";
        /// Look-ups of API keys in Postgres.
        pub(crate) key_look_ups: IntCounter = "abacus_ingress_api_key_lookups_total";
        /// Time of the last read of the revocations from Postgres, in seconds since the Unix epoch;
        /// 0 before the first read.
        pub(crate) feed_read: Gauge = "abacus_ingress_revocations_read_timestamp_seconds";
        /// Unexpired revocations in memory.
        pub(crate) revocations: IntGauge = "abacus_ingress_revocations";
        /// Failed reads of the revocations.
        pub(crate) feed_failures: IntCounter = "abacus_ingress_revocations_read_failures_total";
    }
}

impl Metrics {
    /// Counts an answer and its duration.
    pub(crate) fn count_answer(&self, response: &Response, took: Duration) {
        let operation =
            response.extensions().get::<AnsweredOperation>().map_or(OTHER, |answered| answered.0);
        self.requests.with_label_values(&[operation, outcome(response.status())]).inc();
        self.latency.with_label_values(&[operation]).observe(took.as_secs_f64());
    }

    /// Returns the handles for the exchange.
    pub(crate) fn exchange(&self) -> abacus_exchange::Metrics {
        abacus_exchange::Metrics {
            waiters: self.waiters.clone(),
            replies: self.replies.clone(),
            deliveries: self.deliveries.clone(),
        }
    }
}

impl LimitMetrics {
    /// Returns the handles for limits and permits.
    pub(crate) fn quota(&self) -> abacus_quota::Metrics {
        abacus_quota::Metrics {
            limits: self.limits.clone(),
            leases: self.leases.clone(),
            fallbacks: self.fallbacks.clone(),
            is_alone: self.is_alone.clone(),
            shed: self.shed.clone(),
            in_flight_bytes: self.in_flight_bytes.clone(),
        }
    }

    /// Returns the handles for connections and bodies.
    pub(crate) fn http(&self) -> abacus_http::Metrics {
        abacus_http::Metrics {
            connections: self.connections.clone(),
            connections_ended: self.connections_ended.clone(),
            slow_bodies: self.slow_bodies.clone(),
        }
    }
}

impl IdentityMetrics {
    /// Returns the handles for identity.
    pub(crate) fn identity(self) -> abacus_identity::Metrics {
        abacus_identity::Metrics {
            logins: self.logins,
            registrations: self.registrations,
            refused_credentials: self.refused_credentials,
            hashes: self.hashes,
            hashes_refused: self.hashes_refused,
            key_look_ups: self.key_look_ups,
            feed_read: self.feed_read,
            revocations: self.revocations,
            feed_failures: self.feed_failures,
        }
    }
}

/// Operation of an answered request, stored in the response's extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnsweredOperation(pub(crate) &'static str);

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
