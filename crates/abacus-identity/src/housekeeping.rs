//! Deletes expired revocations and keys, once a minute, in each instance.
//!
//! The task is separate from the feed: a slow deletion must not delay the revocations. Instances skip rows locked by
//! another instance.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use abacus_runtime::Shutdown;
use tokio::time::sleep;

use crate::revocations::Revocations;
use crate::store::Store;

const INTERVAL: Duration = Duration::from_mins(1);

/// The task for bounding the tables and the memory of revocations.
pub(crate) struct Housekeeping {
    pub(crate) store: Arc<Store>,
    pub(crate) revocations: Arc<Revocations>,
}

impl Housekeeping {
    /// Deletes at the start and in intervals, until the shutdown.
    pub(crate) async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
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
            Ok(rows) => tracing::debug!(rows, "expired revocations and keys were deleted"),
            Err(error) => {
                tracing::debug!(error = %error, "expired revocations and keys stay for now");
            }
        }
    }
}
