//! Ending sessions and keys: rows that every instance follows.

use std::time::SystemTime;

use deadpool_postgres::Transaction;
use uuid::Uuid;

use super::super::audit::Event;
use super::super::revocations::{Ended, Revocation};
use super::super::tokens::{LONGEST_LIFETIME, Session};
use super::{Error, Failure, Store, audit, within};

const INSERT: &str = "
    INSERT INTO revocations (user_id, session_id, key_id, generation, spared, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)";

impl Store {
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
            audit::insert(&transaction, event).await?;
            Ok(transaction.commit().await?)
        })
        .await?;
        event.log();
        Ok(revocation)
    }
}

/// Ends what an account had before its `generation`, but for the session `spared`.
pub(super) async fn end_before(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    generation: i64,
    spared: Option<Uuid>,
) -> Result<Revocation, Failure> {
    let ended = Ended::Before { user_id, generation, spared };
    let revocation = lasting(ended);
    insert(transaction, user_id, &revocation).await?;
    Ok(revocation)
}

/// A revocation of something whose own end is not known.
pub(super) fn lasting(ended: Ended) -> Revocation {
    Revocation { ended, expires_at: SystemTime::now() + 2 * LONGEST_LIFETIME }
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
