//! API keys.

use uuid::Uuid;

use super::connection::{Failure, Store, rfc3339, within};
use super::{audit_log, revoke, users};
use crate::api_key::{ApiKeyRecord, NewApiKey};
use crate::audit::Event;
use crate::error::Error;
use crate::revocations::Revocation;

/// Largest number of valid keys of an account.
const MOST: i64 = 20;

const FIND: &str = "
    SELECT k.secret_sha256, u.user_id, u.name, u.role, u.generation,
           k.revoked_at IS NULL AND u.disabled_at IS NULL AS is_good
      FROM api_keys k JOIN users u USING (user_id) WHERE k.key_id = $1";

/// Locks an enabled account. The row lock makes concurrent calls take turns.
const LOCK_OWNER: &str = "SELECT FROM users WHERE user_id = $1 AND disabled_at IS NULL FOR UPDATE";

/// Counts the valid keys of an account. The count is a statement of its own: a statement that waits for a lock still
/// counts by its snapshot from before the wait, and misses the keys of the earlier calls.
const COUNT: &str = "SELECT count(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL";

const INSERT: &str = "
    INSERT INTO api_keys (key_id, user_id, label, secret_sha256) VALUES ($1, $2, $3, $4)";

const REVOKE: &str = "
    UPDATE api_keys SET revoked_at = now()
     WHERE key_id = $1 AND user_id = $2 AND revoked_at IS NULL";

/// An API key, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[schema(as = KeyEntry)]
pub struct ApiKeyEntry {
    /// Id.
    pub id: Uuid,
    /// Label.
    #[schema(example = "nightly report")]
    pub label: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl Store {
    /// Returns the record of a key.
    pub(crate) async fn find_key(&self, id: Uuid) -> Result<Option<ApiKeyRecord>, Error> {
        within(async {
            let client = self.connection().await?;
            let find = client.prepare_cached(FIND).await?;
            client.query_opt(&find, &[&id]).await?.as_ref().map(record).transpose()
        })
        .await
    }

    /// Returns the valid keys of an account, the oldest first.
    pub(crate) async fn keys_of(&self, user_id: Uuid) -> Result<Vec<ApiKeyEntry>, Error> {
        within(async {
            let client = self.connection().await?;
            let select = format!(
                "SELECT key_id, label, {} AS created_at
                   FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL ORDER BY key_id",
                rfc3339("created_at")
            );
            let select = client.prepare_cached(&select).await?;
            client.query(&select, &[&user_id]).await?.iter().map(entry).collect()
        })
        .await
    }

    /// Stores a new key, without its text.
    pub(crate) async fn add_key(
        &self,
        owner: Uuid,
        key: &NewApiKey,
        label: &str,
        event: &Event<'_>,
    ) -> Result<(), Error> {
        within(async {
            let mut client = self.connection().await?;
            let transaction = client.transaction().await?;
            let locked = transaction.query_opt(LOCK_OWNER, &[&owner]).await?;
            locked.ok_or(Error::AccountDisabled)?;
            let count: i64 = transaction.query_one(COUNT, &[&owner]).await?.try_get(0)?;
            if count >= MOST {
                return Err(Error::TooManyKeys { limit: MOST }.into());
            }
            let secret = key.secret_sha256.as_slice();
            transaction.execute(INSERT, &[&key.id, &owner, &label, &secret]).await?;
            audit_log::insert(&transaction, event).await?;
            Ok(transaction.commit().await?)
        })
        .await?;
        event.log();
        Ok(())
    }

    /// Revokes a key of an account.
    pub(crate) async fn revoke_key(
        &self,
        owner: Uuid,
        id: Uuid,
        event: &Event<'_>,
    ) -> Result<Revocation, Error> {
        let revocation = revoke::key(id);
        within(async {
            let mut client = self.connection().await?;
            let transaction = client.transaction().await?;
            if transaction.execute(REVOKE, &[&id, &owner]).await? == 0 {
                return Err(Error::NoSuchKey { id: id.to_string() }.into());
            }
            revoke::insert(&transaction, owner, &revocation).await?;
            audit_log::insert(&transaction, event).await?;
            Ok(transaction.commit().await?)
        })
        .await?;
        event.log();
        Ok(revocation)
    }
}

fn record(row: &tokio_postgres::Row) -> Result<ApiKeyRecord, Failure> {
    let secret: &[u8] = row.try_get("secret_sha256")?;
    let name: &str = row.try_get("name")?;
    Ok(ApiKeyRecord {
        // The table holds only hashes of this length; zeros match no secret.
        secret_sha256: secret.try_into().unwrap_or_default(),
        user_id: row.try_get("user_id")?,
        name: name.into(),
        role: users::role(row.try_get("role")?),
        generation: row.try_get("generation")?,
        is_good: row.try_get("is_good")?,
    })
}

fn entry(row: &tokio_postgres::Row) -> Result<ApiKeyEntry, Failure> {
    Ok(ApiKeyEntry {
        id: row.try_get("key_id")?,
        label: row.try_get("label")?,
        created_at: row.try_get("created_at")?,
    })
}
