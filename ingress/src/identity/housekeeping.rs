//! Deletes what can refuse nothing any more, once a minute, in each instance.
//!
//! It has no part in following the revocations: however long it takes, what was ended is known in
//! time. Instances leave to each other the rows that the other is at.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use abacus_runtime::Shutdown;
use tokio::time::sleep;

use super::revocations::Revocations;
use super::store::Store;

const INTERVAL: Duration = Duration::from_mins(1);

/// Keeps the tables and the memory of what was ended from growing without bound.
pub(super) struct Housekeeping {
    pub(super) store: Arc<Store>,
    pub(super) revocations: Arc<Revocations>,
}

impl Housekeeping {
    /// Deletes at the start and then again and again, until the shutdown.
    pub(super) async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                biased;
                () = shutdown.requested() => return Ok(()),
                () = self.clean_up() => {}
            }
            tokio::select! {
                biased;
                () = shutdown.requested() => return Ok(()),
                () = sleep(INTERVAL) => {}
            }
        }
    }

    async fn clean_up(&self) {
        self.revocations.forget_expired(SystemTime::now());
        match self.store.delete_expired().await {
            Ok(rows) => tracing::debug!(rows, "what has expired was deleted"),
            Err(error) => tracing::debug!(error = %error, "what has expired stays for now"),
        }
    }
}
