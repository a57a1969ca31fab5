//! API keys: credentials of programs, good until they are revoked.
//!
//! A key is `abk_<id>_<secret>`. What Postgres says about an id is remembered, and so is that it
//! knows none; few ids are asked about at a time, so that a flood of made-up keys stays here. What is
//! remembered is checked against the [revocations](super::revocations) at each use.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moka::future::Cache;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use uuid::Uuid;

use super::Error;
use super::caller::{Credential, Role, User};
use super::error::Fault;
use super::metrics::Metrics;
use super::revocations::Revocations;
use super::store::Store;

/// By this a key is told from a token, and found by those who scan for leaked secrets.
pub(super) const PREFIX: &str = "abk_";

const SECRET_BYTES: usize = 32;
const REMEMBERED: u64 = 20_000;
const UNKNOWN_REMEMBERED: u64 = 100_000;
/// Less than a revocation is kept, so that nothing is remembered longer than it is known to have
/// been revoked.
pub(super) const REMEMBERED_FOR: Duration = Duration::from_hours(1);
const UNKNOWN_REMEMBERED_FOR: Duration = Duration::from_mins(1);
/// How many ids Postgres is asked about at a time, and how long others wait for their turn.
const LOOK_UPS: usize = 2;
const PATIENCE: Duration = Duration::from_secs(1);

/// A key as it came.
pub(super) struct ApiKeyText<'a> {
    id: Uuid,
    secret: &'a str,
}

/// What is known about a key.
#[derive(Clone, Debug)]
pub(super) struct ApiKeyRecord {
    pub(super) secret_sha256: [u8; 32],
    pub(super) user_id: Uuid,
    pub(super) name: Arc<str>,
    pub(super) role: Role,
    /// The account's when this was read.
    pub(super) generation: i64,
    /// Neither revoked nor of a disabled account.
    pub(super) is_good: bool,
}

/// A key just made; its text is shown once and not kept.
pub(super) struct NewApiKey {
    pub(super) id: Uuid,
    pub(super) text: String,
    pub(super) secret_sha256: [u8; 32],
}

/// Tells programs by their keys.
pub(crate) struct ApiKeys {
    store: Arc<Store>,
    known: Cache<Uuid, Arc<ApiKeyRecord>>,
    unknown: Cache<Uuid, ()>,
    look_ups: Semaphore,
    metrics: Metrics,
}

impl<'a> ApiKeyText<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_whole = id.len() == 32 && secret.len() == SECRET_BYTES.div_ceil(3) * 4 - 1;
        let id = Uuid::try_parse(id).ok().filter(|_| is_whole)?;
        Some(Self { id, secret })
    }
}

impl NewApiKey {
    pub(super) fn generate() -> anyhow::Result<Self> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes)?;
        let (id, secret) = (Uuid::now_v7(), URL_SAFE_NO_PAD.encode(bytes));
        let text = format!("{PREFIX}{}_{secret}", id.simple());
        Ok(Self { id, text, secret_sha256: sha256(&secret) })
    }
}

impl ApiKeys {
    pub(super) fn new(store: Arc<Store>, metrics: Metrics) -> Self {
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

    /// Whether something is known about a key without asking Postgres, be it that there is none.
    pub(super) fn remembers(&self, key: &ApiKeyText<'_>) -> bool {
        self.known.contains_key(&key.id) || self.unknown.contains_key(&key.id)
    }

    /// Whose key it is.
    pub(super) async fn identify(
        &self,
        key: ApiKeyText<'_>,
        revocations: &Revocations,
    ) -> Result<User, Error> {
        if revocations.is_revoked(key.id) {
            return Err(Fault::Key.into());
        }
        let record = self.find(key.id, revocations).await?.ok_or(Fault::Key)?;
        let is_right = sha256(key.secret).ct_eq(&record.secret_sha256);
        if !bool::from(is_right) || !record.is_good {
            return Err(Fault::Key.into());
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
        // The account may change while it is read; what was read then is not used.
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

    /// Several who ask for one id ask Postgres once.
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
        let turn = timeout(PATIENCE, self.look_ups.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or(Miss::Busy)?;
        self.metrics.key_look_ups.inc();
        match self.store.find_key(id).await {
            Ok(Some(record)) => Ok(Arc::new(record)),
            Ok(None) => Err(Miss::Unknown),
            Err(error) => Err(Miss::Failed(error.to_string())),
        }
    }
}

/// Why there is no record.
enum Miss {
    Unknown,
    Busy,
    Failed(String),
}

/// The hash of a secret as it is stored.
pub(super) fn sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_reads_as_itself_and_differs_from_every_other() {
        let (key, other) = (NewApiKey::generate().unwrap(), NewApiKey::generate().unwrap());
        let text = ApiKeyText::parse(&key.text).unwrap();
        assert_eq!((text.id, sha256(text.secret)), (key.id, key.secret_sha256));
        assert_ne!(key.secret_sha256, other.secret_sha256);
    }

    #[test]
    fn what_is_not_a_whole_key_is_none() {
        let key = NewApiKey::generate().unwrap().text;
        let shorter = &key[..key.len() - 1];
        for text in ["", "abk_", "abk_x_y", shorter, &format!("{key}x"), &key.replace("abk", "abc")]
        {
            assert!(ApiKeyText::parse(text).is_none(), "{text}");
        }
    }
}
