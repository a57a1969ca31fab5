//! Idempotency keys. A request repeated under its key is computed once, and answered with the id
//! and the result of the first request, by any instance and after any crash.
//!
//! Postgres decides between concurrent calls. The instance that claims a key publishes the request
//! within a lease. Every other call attaches to this request. A lease that ends while the request
//! is not in the event log means a crash. The next call then takes the claim over under the first
//! id; if the crashed instance did write a record, both records belong to one request. Without
//! Postgres, no request with a key is computed.

mod deliveries;

use std::sync::Arc;
use std::time::Duration;

use abacus_operations::Prepared;
use abacus_runtime::{Config, Environment};
use deadpool_postgres::Pool;
use sha2::{Digest as _, Sha256};

use crate::log::{IdempotencyKeys, KEY_TIMEOUT};

pub(crate) use deliveries::{Deliveries, report_deliveries};

/// Shortest lifetime of a key. Retries come within seconds, so a shorter lifetime has no use.
const MIN_LIFETIME: Duration = Duration::from_secs(1);

/// Margin of a lease over the time for publishing. The margin covers a late answer to the claim,
/// and a late report of the written record to Postgres.
const LEASE_MARGIN: Duration = KEY_TIMEOUT.saturating_add(Duration::from_secs(1));

/// Lifetime of idempotency keys.
#[derive(Clone, Debug)]
pub(crate) struct IdempotencyConfig {
    pub(crate) lifetime: Duration,
}

impl Config for IdempotencyConfig {
    fn read(env: &mut Environment) -> Self {
        let lifetime = env.get(
            "ABACUS_IDEMPOTENCY_LIFETIME",
            "24h",
            "Time for which an Idempotency-Key stands for the first request with the key",
        );
        if lifetime < MIN_LIFETIME {
            let text = format!("expected at least {MIN_LIFETIME:?}");
            env.problem("ABACUS_IDEMPOTENCY_LIFETIME", text);
        }
        Self { lifetime }
    }
}

/// The table of idempotency keys, and the expected deliveries of requests with a key.
pub(crate) struct Idempotency {
    pub(super) keys: IdempotencyKeys,
    pub(super) deliveries: Arc<Deliveries>,
}

impl Idempotency {
    /// Creates the keys behind `pool`. `delivery` is the longest time for writing a request to the
    /// event log.
    pub(crate) fn new(
        config: &IdempotencyConfig,
        pool: Pool,
        delivery: Duration,
        deliveries: Arc<Deliveries>,
    ) -> Self {
        let lease = delivery + LEASE_MARGIN;
        // A key that expires before the lease would be claimed twice.
        let lifetime = config.lifetime.max(lease);
        Self { keys: IdempotencyKeys::new(pool, lease, lifetime), deliveries }
    }

    /// Returns the table of keys, for the task that reports deliveries.
    pub(crate) fn keys(&self) -> IdempotencyKeys {
        self.keys.clone()
    }
}

/// Returns the hash of a computation. The hash does not depend on the spelling of the operands.
pub(super) fn fingerprint(prepared: &Prepared) -> [u8; 32] {
    Sha256::digest(prepared.canonical()).into()
}
