//! Rows of the audit log.

use deadpool_postgres::Transaction;

use super::super::audit::{Event, Outcome};
use super::super::page::Page;
use super::{Error, Failure, Store, TIME, within};

/// A row as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct AuditEntry {
    /// Rises with time.
    pub(crate) id: i64,
    #[schema(format = DateTime)]
    pub(crate) happened_at: String,
    /// What was done or tried; an open set of names.
    #[schema(example = "role-changed")]
    pub(crate) act: String,
    pub(crate) outcome: Outcome,
    /// Who did it; absent if nobody was signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<String>,
    /// The account it is about; absent if there is no such account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// The address it came from.
    pub(crate) client: String,
}

const INSERT: &str = "
    INSERT INTO audit_log (act, outcome, actor, subject, detail, client)
    VALUES ($1, $2, $3, $4, $5, $6)";

impl Store {
    /// Writes an event that changes nothing else.
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

    /// The latest events, or those before the one of `page`.
    pub(crate) async fn audit(&self, page: Page<i64>) -> Result<Vec<AuditEntry>, Error> {
        within(async {
            let client = self.connection().await?;
            let select = format!(
                "SELECT audit_id, to_char(happened_at AT TIME ZONE 'UTC', {TIME}) AS happened_at,
                        act, outcome, actor, subject, detail, host(client) AS client
                   FROM audit_log WHERE audit_id < $1 ORDER BY audit_id DESC LIMIT $2"
            );
            let select = client.prepare_cached(&select).await?;
            let before = page.after.unwrap_or(i64::MAX);
            let rows = client.query(&select, &[&before, &page.limit]).await?;
            rows.iter().map(entry).collect()
        })
        .await
    }
}

/// Writes an event along with what it is about.
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
        outcome: if outcome == "done" { Outcome::Done } else { Outcome::Refused },
        actor: row.try_get("actor")?,
        subject: row.try_get("subject")?,
        detail: row.try_get("detail")?,
        client: row.try_get("client")?,
    })
}
