//! Metrics of identity. The service names and registers them. No label names a caller.

use abacus_runtime::prometheus::{Gauge, Histogram, IntCounter, IntCounterVec, IntGauge};

/// Outcomes in the labels of [`Metrics::logins`] and [`Metrics::registrations`].
pub(crate) const SUCCEEDED: &str = "succeeded";
pub(crate) const REFUSED: &str = "refused";
pub(crate) const DISABLED: &str = "disabled";

/// Handles of the metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Attempts to sign in, by outcome ([`Metrics::LOGIN_OUTCOMES`]).
    pub logins: IntCounterVec,
    /// Attempts to make an account, by outcome ([`Metrics::REGISTRATION_OUTCOMES`]).
    pub registrations: IntCounterVec,
    /// Refused credentials, by fault ([`CredentialFault::LABELS`](crate::CredentialFault::LABELS)).
    pub refused_credentials: IntCounterVec,
    /// Seconds of computing a password hash.
    pub hashes: Histogram,
    /// Password hashes refused because too many were waiting.
    pub hashes_refused: IntCounter,
    /// Look-ups of API keys in Postgres.
    pub key_look_ups: IntCounter,
    /// Time of the last read of the revocations, in seconds since the Unix epoch; 0 for never.
    pub feed_read: Gauge,
    /// Revocations in memory.
    pub revocations: IntGauge,
    /// Failed reads of the revocations.
    pub feed_failures: IntCounter,
}

impl Metrics {
    /// Every outcome of an attempt to sign in.
    pub const LOGIN_OUTCOMES: [&'static str; 3] = [SUCCEEDED, REFUSED, DISABLED];
    /// Every outcome of an attempt to make an account.
    pub const REGISTRATION_OUTCOMES: [&'static str; 2] = [SUCCEEDED, REFUSED];
}

#[cfg(test)]
impl Metrics {
    /// Metrics without a registry.
    pub(crate) fn unregistered() -> Self {
        use abacus_runtime::prometheus::{HistogramOpts, Opts};
        let counters =
            |name: &str, label| IntCounterVec::new(Opts::new(name, name), &[label]).unwrap();
        let counter = |name: &str| IntCounter::new(name, name).unwrap();
        Self {
            logins: counters("logins", "outcome"),
            registrations: counters("registrations", "outcome"),
            refused_credentials: counters("refused_credentials", "fault"),
            hashes: Histogram::with_opts(HistogramOpts::new("hashes", "hashes")).unwrap(),
            hashes_refused: counter("hashes_refused"),
            key_look_ups: counter("key_look_ups"),
            feed_read: Gauge::new("feed_read", "feed read").unwrap(),
            revocations: IntGauge::new("revocations", "revocations").unwrap(),
            feed_failures: counter("feed_failures"),
        }
    }
}
