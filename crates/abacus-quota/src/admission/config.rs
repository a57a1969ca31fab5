//! Settings of the admission.

use std::time::Duration;

use abacus_runtime::{ByteSize, Config, Environment};

/// Limits of the requests in flight.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionConfig {
    pub(super) max_bytes: ByteSize,
    pub(super) max_delay: Duration,
    pub(super) share: u8,
}

impl Config for AdmissionConfig {
    fn read(env: &mut Environment) -> Self {
        let config = Self {
            max_bytes: env.get(
                "ABACUS_MAX_IN_FLIGHT_BYTES",
                "512MiB",
                "Memory for the results of requests in flight, by estimate, until they are written; further requests are answered 503",
            ),
            max_delay: env.get(
                "ABACUS_MAX_QUEUE_DELAY",
                "30s",
                "Requests with a longer estimated queue delay are answered 503; 0s for no limit",
            ),
            share: env.get(
                "ABACUS_CALLER_SHARE",
                "50",
                "Percent of ABACUS_MAX_WAITERS and ABACUS_MAX_IN_FLIGHT_BYTES for one caller",
            ),
        };
        if !(1..=100).contains(&config.share) {
            env.problem("ABACUS_CALLER_SHARE", "expected a whole number from 1 to 100");
        }
        config
    }
}
