//! Idempotency keys: a request that is sent again under its key is computed once, and answered with the same id and
//! result, by any instance and after any crash.
//!
//! Postgres decides. The instance that claims a key publishes the request within a lease; every other call attaches
//! to that request. A lease that ends without the request in the event log means a crash: the next call takes the
//! claim over under the same id, so that a request which was written all the same stays one request in the log.
//! Without Postgres, nothing is computed under a key.

mod deliveries;

use std::sync::Arc;
use std::time::Duration;

use abacus_operations::Prepared;
use abacus_runtime::{Config, Environment};
use deadpool_postgres::Pool;
use sha2::{Digest as _, Sha256};

use crate::log::{IdempotencyKeys, KEY_TIMEOUT};

pub(crate) use deliveries::{Deliveries, report_deliveries};

/// Retries come within seconds; a shorter lifetime is of no use.
const MIN_LIFETIME: Duration = Duration::from_secs(1);

/// A lease lasts longer than publishing by this margin: the instance may learn of its claim, and Postgres of the
/// written record, only so much later.
const LEASE_MARGIN: Duration = KEY_TIMEOUT.saturating_add(Duration::from_secs(1));

/// How long keys are kept.
#[derive(Clone, Debug)]
pub(crate) struct IdempotencyConfig {
    pub(crate) lifetime: Duration,
}

impl Config for IdempotencyConfig {
    fn read(env: &mut Environment) -> Self {
        let lifetime = env.get(
            "ABACUS_IDEMPOTENCY_LIFETIME",
            "24h",
            "How long an Idempotency-Key stands for its first request",
        );
        if lifetime < MIN_LIFETIME {
            let text = format!("expected at least {MIN_LIFETIME:?}");
            env.problem("ABACUS_IDEMPOTENCY_LIFETIME", text);
        }
        Self { lifetime }
    }
}

/// The idempotency keys, and the deliveries of the requests under keys.
pub(crate) struct Idempotency {
    pub(super) keys: IdempotencyKeys,
    pub(super) deliveries: Arc<Deliveries>,
}

impl Idempotency {
    /// Keys behind `pool`. `delivery` is the longest time for writing a request to the event log.
    pub(crate) fn new(
        config: &IdempotencyConfig,
        pool: Pool,
        delivery: Duration,
        deliveries: Arc<Deliveries>,
    ) -> Self {
        let lease = delivery + LEASE_MARGIN;
        // A key that expired before its lease would be claimed twice.
        let lifetime = config.lifetime.max(lease);
        Self { keys: IdempotencyKeys::new(pool, lease, lifetime), deliveries }
    }

    /// Returns the table of keys, for the task that reports deliveries.
    pub(crate) fn keys(&self) -> IdempotencyKeys {
        self.keys.clone()
    }
}

/// Returns the hash that identifies a computation, however the caller wrote it.
pub(super) fn fingerprint(prepared: &Prepared) -> [u8; 32] {
    Sha256::digest(prepared.canonical()).into()
}
