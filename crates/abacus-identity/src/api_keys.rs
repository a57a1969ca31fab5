//! Identification by API keys: credentials of programs, valid until revoked.
//!
//! The instance remembers each look-up in Postgres, with or without a key as the result. Few look-ups run at a time, to
//! keep a flood of invented keys away from Postgres. A remembered key is checked against the
//! [revocations](crate::revocations) at each use.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use uuid::Uuid;

use crate::api_key::{ApiKeyRecord, ApiKeyText, REMEMBERED_FOR, sha256};
use crate::caller::{Credential, User};
use crate::error::{CredentialFault, Error};
use crate::metrics::Metrics;
use crate::revocations::Revocations;
use crate::store::Store;

/// Remembered keys, and remembered ids without a key.
const REMEMBERED: u64 = 20_000;
const UNKNOWN_REMEMBERED: u64 = 100_000;
const UNKNOWN_REMEMBERED_FOR: Duration = Duration::from_mins(1);
/// Largest number of concurrent look-ups, and the longest wait of a further look-up.
const LOOK_UPS: usize = 2;
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Identifies programs by their API keys.
pub(crate) struct ApiKeys {
    store: Arc<Store>,
    known: Cache<Uuid, Arc<ApiKeyRecord>>,
    unknown: Cache<Uuid, ()>,
    look_ups: Semaphore,
    metrics: Metrics,
}

impl ApiKeys {
    pub(crate) fn new(store: Arc<Store>, metrics: Metrics) -> Self {
        let cache =
            |capacity, lifetime| Cache::builder().max_capacity(capacity).time_to_live(lifetime);
        Self {
            store,
            known: cache(REMEMBERED, REMEMBERED_FOR).build(),
            unknown: Cache::builder()
                .max_capacity(UNKNOWN_REMEMBERED)
                .time_to_live(UNKNOWN_REMEMBERED_FOR)
                .build(),
            look_ups: Semaphore::new(LOOK_UPS),
            metrics,
        }
    }

    /// Returns true if the key needs no look-up in Postgres: this instance remembers the key, or its absence.
    pub(crate) fn remembers(&self, key: &ApiKeyText<'_>) -> bool {
        self.known.contains_key(&key.id) || self.unknown.contains_key(&key.id)
    }

    /// Returns the owner of a key.
    pub(crate) async fn identify(
        &self,
        key: ApiKeyText<'_>,
        revocations: &Revocations,
    ) -> Result<User, Error> {
        if revocations.is_revoked(key.id) {
            return Err(CredentialFault::Key.into());
        }
        let record = self.find(key.id, revocations).await?.ok_or(CredentialFault::Key)?;
        let is_right = sha256(key.secret).ct_eq(&record.secret_sha256);
        if !bool::from(is_right) || !record.is_good {
            return Err(CredentialFault::Key.into());
        }
        let role = revocations.role_now(record.role);
        let (name, credential) = (Arc::clone(&record.name), Credential::ApiKey(key.id));
        Ok(User { id: record.user_id, name, role, credential })
    }

    async fn find(
        &self,
        id: Uuid,
        revocations: &Revocations,
    ) -> Result<Option<Arc<ApiKeyRecord>>, Error> {
        if self.unknown.contains_key(&id) {
            return Ok(None);
        }
        // The account may change during the read; an outdated record is read again.
        for _ in 0..2 {
            let Some(record) = self.remembered(id).await? else {
                self.unknown.insert(id, ()).await;
                return Ok(None);
            };
            if !revocations.has_changed_since(record.user_id, record.generation) {
                return Ok(Some(record));
            }
            self.known.invalidate(&id).await;
        }
        Err(Error::Busy)
    }

    /// Concurrent look-ups of one id ask Postgres once.
    async fn remembered(&self, id: Uuid) -> Result<Option<Arc<ApiKeyRecord>>, Error> {
        if let Some(record) = self.known.get(&id).await {
            return Ok(Some(record));
        }
        match self.known.try_get_with(id, self.look_up(id)).await {
            Ok(record) => Ok(Some(record)),
            Err(miss) => match &*miss {
                Miss::Unknown => Ok(None),
                Miss::Busy => Err(Error::Busy),
                Miss::Failed(error) => {
                    Err(Error::Unavailable(anyhow::anyhow!("an API key: {error}")))
                }
            },
        }
    }

    async fn look_up(&self, id: Uuid) -> Result<Arc<ApiKeyRecord>, Miss> {
        let permit = timeout(LONGEST_WAIT, self.look_ups.acquire()).await;
        let _permit = permit.ok().and_then(Result::ok).ok_or(Miss::Busy)?;
        self.metrics.key_look_ups.inc();
        match self.store.find_key(id).await {
            Ok(Some(record)) => Ok(Arc::new(record)),
            Ok(None) => Err(Miss::Unknown),
            Err(error) => Err(Miss::Failed(error.to_string())),
        }
    }
}

/// Why a look-up gives no record.
enum Miss {
    Unknown,
    Busy,
    Failed(String),
}
