//! Administration: listing and changing accounts.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use uuid::Uuid;

use super::connection::{Failure, Store, rfc3339, within};
use super::{audit_log, revoke, users};
use crate::audit::{Act, Event};
use crate::caller::Role;
use crate::error::Error;
use crate::name::UserName;
use crate::revocations::Revocation;

const UPDATE: &str = "
    UPDATE users SET role = $2, generation = generation + 1,
           disabled_at = CASE WHEN $3 THEN coalesce(disabled_at, now()) END
     WHERE user_id = $1 RETURNING generation";

const END_SESSIONS: &str = "
    UPDATE users SET generation = generation + 1 WHERE name = $1 RETURNING user_id, generation";

const IS_ADMINISTERED: &str =
    "SELECT EXISTS (SELECT FROM users WHERE role = 'admin' AND disabled_at IS NULL)";

/// An account, as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct AccountEntry {
    #[schema(example = "ada")]
    /// Name.
    pub username: String,
    /// Role.
    pub role: Role,
    /// Whether the account cannot sign in, and its keys are refused.
    pub disabled: bool,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A change of an account; `None` changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct AccountChange {
    /// New role.
    pub role: Option<Role>,
    /// Whether to disable or enable the account.
    pub disabled: Option<bool>,
}

/// An account after a change, and the revocation if anything changed.
pub(crate) struct Changed {
    pub(crate) account: AccountEntry,
    pub(crate) revocation: Option<Revocation>,
}

fn entry_columns() -> String {
    format!(
        "user_id, name, role, disabled_at IS NOT NULL AS is_disabled,
         {} AS created_at",
        rfc3339("created_at")
    )
}

impl Store {
    /// Changes an account. Any change ends the sessions of the account.
    pub(crate) async fn change(
        &self,
        name: &UserName,
        change: AccountChange,
        event: &Event<'_>,
    ) -> Result<Changed, Error> {
        let (changed, events) = within(async {
            let mut client = self.connection().await?;
            let transaction = client.transaction().await?;
            users::administer(&transaction, event).await?;
            let (user_id, before) = lock(&transaction, name).await?;
            let after = AccountEntry {
                role: change.role.unwrap_or(before.role),
                disabled: change.disabled.unwrap_or(before.disabled),
                ..before.clone()
            };
            let events = differences(&before, &after, event);
            if events.is_empty() {
                return Ok((Changed { account: before, revocation: None }, events));
            }
            let update = [&user_id as _, &after.role.name() as _, &after.disabled as _];
            let generation = transaction.query_one(UPDATE, &update).await?.try_get(0)?;
            if !transaction.query_one(IS_ADMINISTERED, &[]).await?.try_get::<_, bool>(0)?
                && before.role == Role::Admin
            {
                return Err(Error::LastAdmin { name: before.username }.into());
            }
            let ended = revoke::end_before(&transaction, user_id, generation, None).await?;
            for event in &events {
                audit_log::insert(&transaction, event).await?;
            }
            transaction.commit().await?;
            Ok((Changed { account: after, revocation: Some(ended) }, events))
        })
        .await?;
        events.iter().for_each(Event::log);
        Ok(changed)
    }

    /// Ends all sessions of an account.
    pub(crate) async fn end_sessions(
        &self,
        name: &UserName,
        event: &Event<'_>,
    ) -> Result<Revocation, Error> {
        let revocation = within(async {
            let mut client = self.connection().await?;
            let transaction = client.transaction().await?;
            users::administer(&transaction, event).await?;
            let row = transaction.query_opt(END_SESSIONS, &[&name.as_str()]).await?;
            let row = row.ok_or_else(|| no_such_user(name))?;
            let (user_id, generation) = (row.try_get(0)?, row.try_get(1)?);
            let ended = revoke::end_before(&transaction, user_id, generation, None).await?;
            audit_log::insert(&transaction, event).await?;
            transaction.commit().await?;
            Ok(ended)
        })
        .await?;
        event.log();
        Ok(revocation)
    }

    /// Returns up to `limit` accounts after the name `after`, by name.
    pub(crate) async fn accounts(
        &self,
        after: Option<&UserName>,
        limit: i64,
    ) -> Result<Vec<AccountEntry>, Error> {
        within(async {
            let client = self.connection().await?;
            let columns = entry_columns();
            let select =
                format!("SELECT {columns} FROM users WHERE name > $1 ORDER BY name LIMIT $2");
            let select = client.prepare_cached(&select).await?;
            let after = after.map_or("", UserName::as_str);
            let rows = client.query(&select, &[&after, &limit]).await?;
            rows.iter().map(entry).collect()
        })
        .await
    }
}

async fn lock(
    transaction: &Transaction<'_>,
    name: &UserName,
) -> Result<(Uuid, AccountEntry), Failure> {
    let select = format!("SELECT {} FROM users WHERE name = $1 FOR UPDATE", entry_columns());
    let row = transaction.query_opt(&select, &[&name.as_str()]).await?;
    let row = row.ok_or_else(|| no_such_user(name))?;
    Ok((row.try_get("user_id")?, entry(&row)?))
}

/// Returns an event for each changed property.
fn differences<'a>(
    before: &AccountEntry,
    after: &AccountEntry,
    event: &Event<'a>,
) -> Vec<Event<'a>> {
    let mut events = Vec::new();
    if before.role != after.role {
        let detail = format!("{} to {}", before.role.name(), after.role.name());
        events.push(Event { act: Act::ChangeRole, detail: Some(detail), ..event.clone() });
    }
    if before.disabled != after.disabled {
        let act = if after.disabled { Act::Disable } else { Act::Enable };
        events.push(Event { act, ..event.clone() });
    }
    events
}

fn no_such_user(name: &UserName) -> Error {
    Error::NoSuchUser { name: name.as_str().to_owned() }
}

fn entry(row: &Row) -> Result<AccountEntry, Failure> {
    Ok(AccountEntry {
        username: row.try_get("name")?,
        role: users::role(row.try_get("role")?),
        disabled: row.try_get("is_disabled")?,
        created_at: row.try_get("created_at")?,
    })
}
