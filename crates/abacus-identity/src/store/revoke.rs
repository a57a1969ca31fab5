//! Revocations: rows for the feed of every instance.

use std::time::SystemTime;

use deadpool_postgres::Transaction;
use uuid::Uuid;

use super::audit_log;
use super::connection::{Failure, Store, within};
use crate::api_key::REMEMBERED_FOR;
use crate::audit::Event;
use crate::error::Error;
use crate::revocations::{Ended, Revocation};
use crate::tokens::{LONGEST_LIFETIME, Session};

const INSERT: &str = "
    INSERT INTO revocations (user_id, session_id, key_id, generation, spared, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)";

/// Deletes expired revocations; the margin is for differences of clocks.
const DELETE_EXPIRED: &str = "
    DELETE FROM revocations WHERE revocation_id = ANY(ARRAY(
           SELECT revocation_id FROM revocations
            WHERE expires_at < now() - interval '1 minute' LIMIT 10000 FOR UPDATE SKIP LOCKED))";

/// Deletes revoked keys; the audit log keeps their history.
const DELETE_REVOKED_KEYS: &str = "
    DELETE FROM api_keys WHERE key_id = ANY(ARRAY(
           SELECT key_id FROM api_keys
            WHERE revoked_at < now() - interval '1 day' LIMIT 10000 FOR UPDATE SKIP LOCKED))";

impl Store {
    /// Deletes expired rows. Returns their number.
    pub(crate) async fn delete_expired(&self) -> Result<u64, Error> {
        within(async {
            let client = self.connection().await?;
            let revocations = client.execute(DELETE_EXPIRED, &[]).await?;
            Ok(revocations + client.execute(DELETE_REVOKED_KEYS, &[]).await?)
        })
        .await
    }

    /// Ends one session.
    pub(crate) async fn end_session(
        &self,
        session: &Session,
        event: &Event<'_>,
    ) -> Result<Revocation, Error> {
        let ended = Ended::Session(session.id);
        let revocation = Revocation { ended, expires_at: session.ends_at };
        within(async {
            let mut client = self.connection().await?;
            let transaction = client.transaction().await?;
            insert(&transaction, session.user_id, &revocation).await?;
            audit_log::insert(&transaction, event).await?;
            Ok(transaction.commit().await?)
        })
        .await?;
        event.log();
        Ok(revocation)
    }
}

/// Ends the sessions and keys of an account from before its `generation`, except the session `spared`.
pub(super) async fn end_before(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    generation: i64,
    spared: Option<Uuid>,
) -> Result<Revocation, Failure> {
    let ended = Ended::Before { user_id, generation, spared };
    let revocation = Revocation { ended, expires_at: SystemTime::now() + 2 * LONGEST_LIFETIME };
    insert(transaction, user_id, &revocation).await?;
    Ok(revocation)
}

/// Makes the revocation of an API key. The revocation expires after every instance has forgotten the key.
pub(super) fn key(id: Uuid) -> Revocation {
    Revocation { ended: Ended::ApiKey(id), expires_at: SystemTime::now() + 2 * REMEMBERED_FOR }
}

pub(super) async fn insert(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    revocation: &Revocation,
) -> Result<(), Failure> {
    let (session, key, generation, spared) = match revocation.ended {
        Ended::Session(id) => (Some(id), None, None, None),
        Ended::ApiKey(id) => (None, Some(id), None, None),
        Ended::Before { generation, spared, .. } => (None, None, Some(generation), spared),
    };
    let insert = transaction.prepare_cached(INSERT).await?;
    let expires_at = revocation.expires_at;
    transaction
        .execute(&insert, &[&user_id, &session, &key, &generation, &spared, &expires_at])
        .await?;
    Ok(())
}
