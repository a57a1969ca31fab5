//! The audit log.

use deadpool_postgres::Transaction;

use super::connection::{Failure, Store, rfc3339, within};
use crate::audit::{ActOutcome, Event};
use crate::error::Error;

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// Id; rises with time.
    pub id: i64,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub happened_at: String,
    /// The act; an open set of names.
    #[schema(example = "role-changed")]
    pub act: String,
    /// Whether the act was done or refused.
    pub outcome: ActOutcome,
    /// Acting account; absent without a signed-in caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Affected account; absent if no such account exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Further information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Address of the caller.
    pub client: String,
}

const INSERT: &str = "
    INSERT INTO audit_log (act, outcome, actor, subject, detail, client)
    VALUES ($1, $2, $3, $4, $5, $6)";

impl Store {
    /// Writes an event without a change.
    pub(crate) async fn record(&self, event: &Event<'_>) -> Result<(), Error> {
        within(async {
            let mut client = self.connection().await?;
            let transaction = client.transaction().await?;
            insert(&transaction, event).await?;
            Ok(transaction.commit().await?)
        })
        .await?;
        event.log();
        Ok(())
    }

    /// Returns up to `limit` events older than the event `after`, the latest first.
    pub(crate) async fn audit(
        &self,
        after: Option<i64>,
        limit: i64,
    ) -> Result<Vec<AuditEntry>, Error> {
        within(async {
            let client = self.connection().await?;
            let select = format!(
                "SELECT audit_id, {} AS happened_at,
                        act, outcome, actor, subject, detail, host(client) AS client
                   FROM audit_log WHERE audit_id < $1 ORDER BY audit_id DESC LIMIT $2",
                rfc3339("happened_at")
            );
            let select = client.prepare_cached(&select).await?;
            let before = after.unwrap_or(i64::MAX);
            let rows = client.query(&select, &[&before, &limit]).await?;
            rows.iter().map(entry).collect()
        })
        .await
    }
}

/// Writes an event in the transaction of its change.
pub(super) async fn insert(
    transaction: &Transaction<'_>,
    event: &Event<'_>,
) -> Result<(), Failure> {
    let insert = transaction.prepare_cached(INSERT).await?;
    let (act, outcome) = (event.act.name(), event.outcome.name());
    let detail = event.detail.as_deref();
    transaction
        .execute(&insert, &[&act, &outcome, &event.actor, &event.subject, &detail, &event.client])
        .await?;
    Ok(())
}

fn entry(row: &tokio_postgres::Row) -> Result<AuditEntry, Failure> {
    let outcome: &str = row.try_get("outcome")?;
    Ok(AuditEntry {
        id: row.try_get("audit_id")?,
        happened_at: row.try_get("happened_at")?,
        act: row.try_get("act")?,
        outcome: if outcome == "done" { ActOutcome::Done } else { ActOutcome::Refused },
        actor: row.try_get("actor")?,
        subject: row.try_get("subject")?,
        detail: row.try_get("detail")?,
        client: row.try_get("client")?,
    })
}
