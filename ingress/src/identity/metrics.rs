//! What identity measures. No label names anybody.

use abacus_runtime::metrics;

use super::error::Fault;

const BUCKETS: [f64; 8] = [0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0];

metrics! {
    /// The metrics of identity.
    pub(crate) struct Metrics {
        /// Attempts to sign in, by outcome.
        pub(crate) logins: IntCounterVec = "abacus_ingress_logins_total",
            labels ["outcome" in ["succeeded", "refused", "disabled"]];
        /// Attempts to make an account, by outcome.
        pub(crate) registrations: IntCounterVec = "abacus_ingress_registrations_total",
            labels ["outcome" in ["succeeded", "refused"]];
        /// Requests refused for their credentials, by what is wrong with them.
        pub(crate) refused_credentials: IntCounterVec = "abacus_ingress_credentials_refused_total",
            labels ["fault" in Fault::LABELS];
        /// Seconds that password hashes took to compute.
        pub(crate) hashes: Histogram = "abacus_ingress_password_hash_seconds", buckets BUCKETS;
        /// Password hashes not computed as too many were waiting.
        pub(crate) hashes_refused: IntCounter = "abacus_ingress_password_hashes_refused_total";
        /// API keys asked of Postgres, as they were not in memory.
        pub(crate) key_look_ups: IntCounter = "abacus_ingress_api_key_lookups_total";
        /// When the revocations were last read from Postgres, in seconds since the Unix epoch; 0 for never.
        pub(crate) feed_read: Gauge = "abacus_ingress_revocations_read_timestamp_seconds";
        /// Revocations in memory: what was ended and has not expired.
        pub(crate) revocations: IntGauge = "abacus_ingress_revocations";
        /// Reads of the revocations that failed.
        pub(crate) feed_failures: IntCounter = "abacus_ingress_revocations_read_failures_total";
    }
}
