//! Idempotency keys. A request repeated under its key is computed once, and answered with the id
//! and the result of the first request, by any instance and after any crash.
//!
//! Postgres decides between concurrent calls. The instance that claims a key publishes the request
//! within a lease, to the partition in the row. Every other call attaches to this request. A lease
//! that ends without a note of the written request means a crash. The next call then takes the
//! claim over under the first id, and searches the partition for the request. A found request is
//! not written again. Without Postgres, no request with a key is computed.

mod deliveries;
mod event_log;

use std::sync::Arc;
use std::time::Duration;

use abacus_operations::Prepared;
use abacus_runtime::{Config, Environment};
use deadpool_postgres::Pool;
use sha2::{Digest as _, Sha256};

use crate::log::{IdempotencyKeys, KEY_TIMEOUT};

pub(crate) use deliveries::{Deliveries, report_deliveries};
use event_log::SEARCH_TIMEOUT;
pub(crate) use event_log::{EventLog, RequestScanner, search_event_log};

/// Shortest lifetime of a key. Retries come within seconds, so a shorter lifetime has no use.
const MIN_LIFETIME: Duration = Duration::from_secs(1);

/// Margin of a lease over the time for publishing. The margin covers a late answer to the claim,
/// the search of the event log, and a late report of the written record to Postgres.
const LEASE_MARGIN: Duration =
    KEY_TIMEOUT.saturating_add(SEARCH_TIMEOUT).saturating_add(Duration::from_secs(1));

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

impl IdempotencyConfig {
    /// Creates the keys behind `pool`, for requests in `topic`. `delivery` is the longest time for
    /// writing a request to the event log.
    pub(crate) fn keys(&self, pool: Pool, topic: &str, delivery: Duration) -> IdempotencyKeys {
        let lease = delivery + LEASE_MARGIN;
        // A key that expires before the lease would be claimed twice.
        let lifetime = self.lifetime.max(lease);
        IdempotencyKeys::new(pool, topic.to_owned(), lease, lifetime)
    }
}

/// The table of idempotency keys, the expected deliveries of requests with a key, and the event log.
pub(crate) struct Idempotency {
    pub(crate) keys: IdempotencyKeys,
    pub(crate) deliveries: Arc<Deliveries>,
    pub(crate) event_log: EventLog,
}

/// Returns the hash of a computation. The hash does not depend on the spelling of the operands.
pub(super) fn fingerprint(prepared: &Prepared) -> [u8; 32] {
    Sha256::digest(prepared.canonical()).into()
}
