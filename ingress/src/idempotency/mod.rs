//! Idempotency keys: a request that is sent again under the same key is computed once, and answered
//! with the same id and result, by any instance and after any crash.
//!
//! Postgres decides ([`store`]). Whoever claims a key writes the request within a lease; everybody
//! else attaches to it. A lease that ends without the request in the event log was a crash, and is
//! taken over with the same id, so that a request which was written all the same stays one request
//! in the log. Without Postgres, nothing is computed under a key.

mod deliveries;
mod error;
mod key;
mod run;
mod store;

use std::sync::Arc;
use std::time::Duration;

use abacus_operations::Prepared;
use abacus_runtime::{Config, Environment};
use deadpool_postgres::Pool;
use sha2::{Digest as _, Sha256};

use crate::identity::Caller;

pub(crate) use deliveries::{Deliveries, keep};
pub(crate) use error::Error;
pub(crate) use key::Key;
pub(crate) use run::{Keyed, run};
use store::Store;

/// A retry comes within seconds; less than this is of no use.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(1);

/// A claim may be known to its instance only so long after it began, and a record be marked as written
/// so long after it was: a lease lasts longer than writing by both.
const MARGIN: Duration = store::TIMEOUT.saturating_add(Duration::from_secs(1));

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
            "How long a request sent again under its Idempotency-Key is answered as the first one was",
        );
        if lifetime < SHORTEST_LIFETIME {
            let text = format!("expected at least {SHORTEST_LIFETIME:?}");
            env.problem("ABACUS_IDEMPOTENCY_LIFETIME", text);
        }
        Self { lifetime }
    }
}

/// The keys of all callers.
pub(crate) struct Idempotency {
    store: Store,
    deliveries: Arc<Deliveries>,
}

impl Idempotency {
    /// Keys kept behind `pool`. `delivery` is how long a request may take to be written.
    pub(crate) fn new(
        config: &IdempotencyConfig,
        pool: Pool,
        delivery: Duration,
        deliveries: Arc<Deliveries>,
    ) -> Self {
        let lease = delivery + MARGIN;
        // A key that expired before its lease would be claimed twice.
        let lifetime = config.lifetime.max(lease);
        Self { store: Store { pool, lease, lifetime }, deliveries }
    }

    /// What the tasks work with.
    pub(crate) fn store(&self) -> Store {
        self.store.clone()
    }
}

/// The name under which the caller's keys are kept. Nobody's keys would be everybody's: one caller
/// could read another's result by guessing a key.
pub(crate) fn owner(caller: &Caller) -> Result<&str, Error> {
    caller.requester().ok_or(Error::NeedsCredentials)
}

/// What tells one computation from another, however it is written down.
pub(crate) fn fingerprint(prepared: &Prepared) -> [u8; 32] {
    Sha256::digest(prepared.canonical()).into()
}
