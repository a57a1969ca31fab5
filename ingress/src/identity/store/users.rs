//! Rows of accounts: what signing up and in needs.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::super::audit::Event;
use super::super::caller::Role;
use super::super::error::Fault;
use super::super::name::UserName;
use super::super::revocations::Revocation;
use super::super::tokens::Session;
use super::{ADMINISTRATORS, Error, Failure, Store, audit, revoke, within};

const FIND: &str = "
    SELECT user_id, name, role, password_hash, generation, disabled_at IS NOT NULL AS is_disabled
      FROM users WHERE name = $1";

const INSERT: &str = "
    INSERT INTO users (user_id, name, role, password_hash) VALUES ($1, $2, $3, $4)";

/// Only while the account is as it was read, and the session is one of those that it has: of its
/// generation, or the one that the latest change has spared.
const SET_PASSWORD: &str = "
    UPDATE users u SET password_hash = $3, generation = generation + 1
     WHERE user_id = $1 AND generation = $2 AND disabled_at IS NULL
       AND ($4 = generation OR EXISTS
           (SELECT FROM revocations r
             WHERE r.user_id = u.user_id AND r.generation = u.generation AND r.spared = $5))
       AND NOT EXISTS (SELECT FROM revocations r WHERE r.session_id = $5)
    RETURNING generation";

const REHASH: &str =
    "UPDATE users SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2";

const HAS_ADMINISTRATOR: &str = "SELECT EXISTS (SELECT FROM users WHERE role = 'admin')";

const IS_ADMINISTRATOR: &str = "
    SELECT EXISTS (SELECT FROM users
                    WHERE name = $1 AND role = 'admin' AND disabled_at IS NULL)";

const USE_BOOTSTRAP: &str = "
    INSERT INTO bootstrap_uses (token_sha256, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";

/// An account with what signing in needs.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) user_id: Uuid,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) password_hash: String,
    pub(crate) generation: i64,
    pub(crate) is_disabled: bool,
}

/// An account to be made.
pub(crate) struct NewAccount<'a> {
    pub(crate) name: &'a UserName,
    pub(crate) role: Role,
    pub(crate) password_hash: &'a str,
    pub(crate) leave: Leave,
}

/// By what an account may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Anybody may.
    Everybody,
    /// The one who does it is an administrator.
    Administrator,
    /// The bootstrap token with this SHA-256.
    Bootstrap([u8; 32]),
}

impl Store {
    /// The account called `name`.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Account>, Error> {
        within(async {
            let client = self.connection().await?;
            let find = client.prepare_cached(FIND).await?;
            client.query_opt(&find, &[&name]).await?.as_ref().map(account).transpose()
        })
        .await
    }

    /// Makes an account. One that needs an administrator is made only if who does it still is one; one
    /// that a bootstrap token allows, only if the token was never used and there is no administrator.
    pub(crate) async fn create(
        &self,
        new: &NewAccount<'_>,
        event: &Event<'_>,
    ) -> Result<(), Error> {
        within(async {
            let mut client = self.connection().await?;
            let transaction = client.transaction().await?;
            let user_id = Uuid::now_v7();
            match new.leave {
                Leave::Everybody => {}
                Leave::Administrator => administer(&transaction, event).await?,
                Leave::Bootstrap(_) => check_no_administrator(&transaction).await?,
            }
            insert(&transaction, user_id, new).await?;
            if let Leave::Bootstrap(token) = &new.leave {
                use_up(&transaction, token, user_id).await?;
            }
            audit::insert(&transaction, event).await?;
            Ok(transaction.commit().await?)
        })
        .await?;
        event.log();
        Ok(())
    }

    /// Replaces a hash by one with the parameters of today, unless the password has changed.
    pub(crate) async fn rehash(&self, account: &Account, hash: &str) -> Result<(), Error> {
        within(async {
            let client = self.connection().await?;
            client.execute(REHASH, &[&account.user_id, &account.password_hash, &hash]).await?;
            Ok(())
        })
        .await
    }

    /// Changes a password and ends all sessions but `session`. Refused if `account` has changed since
    /// it was read, or `session` was ended: nothing that somebody ended meanwhile is let in again.
    pub(crate) async fn set_password(
        &self,
        account: &Account,
        hash: &str,
        session: &Session,
        event: &Event<'_>,
    ) -> Result<Revocation, Error> {
        let revocation = within(async {
            let mut client = self.connection().await?;
            let transaction = client.transaction().await?;
            let (user_id, read) = (account.user_id, account.generation);
            let (generation, id) = (session.generation, session.id);
            let set: [&(dyn ToSql + Sync); 5] = [&user_id, &read, &hash, &generation, &id];
            let row = transaction.query_opt(SET_PASSWORD, &set).await?;
            let generation = row.ok_or(Fault::Ended)?.try_get(0)?;
            let spared = Some(session.id);
            let ended = revoke::end_before(&transaction, user_id, generation, spared).await?;
            audit::insert(&transaction, event).await?;
            transaction.commit().await?;
            Ok(ended)
        })
        .await?;
        event.log();
        Ok(revocation)
    }
}

/// Waits for its turn, and checks that who administers may: what this instance has in memory may be as
/// old as the bound.
pub(super) async fn administer(
    transaction: &Transaction<'_>,
    event: &Event<'_>,
) -> Result<(), Failure> {
    take_turns(transaction).await?;
    let is_allowed = transaction.query_one(IS_ADMINISTRATOR, &[&event.actor]).await?.try_get(0)?;
    if is_allowed { Ok(()) } else { Err(Error::AdminsOnly.into()) }
}

/// Waits until nobody else changes who is an administrator.
async fn take_turns(transaction: &Transaction<'_>) -> Result<(), Failure> {
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&ADMINISTRATORS]).await?;
    Ok(())
}

async fn check_no_administrator(transaction: &Transaction<'_>) -> Result<(), Failure> {
    take_turns(transaction).await?;
    let is_there = transaction.query_one(HAS_ADMINISTRATOR, &[]).await?.try_get(0)?;
    if is_there { Err(Error::RoleNotAllowed.into()) } else { Ok(()) }
}

async fn use_up(
    transaction: &Transaction<'_>,
    token: &[u8; 32],
    user_id: Uuid,
) -> Result<(), Failure> {
    let used = transaction.execute(USE_BOOTSTRAP, &[&token.as_slice(), &user_id]).await?;
    if used == 0 { Err(Error::RoleNotAllowed.into()) } else { Ok(()) }
}

async fn insert(
    transaction: &Transaction<'_>,
    user_id: Uuid,
    new: &NewAccount<'_>,
) -> Result<(), Failure> {
    let name = new.name.as_str();
    let inserted =
        transaction.execute(INSERT, &[&user_id, &name, &new.role.name(), &new.password_hash]).await;
    match inserted.map_err(Failure::from) {
        Err(failure) if failure.is_taken() => {
            Err(Error::NameTaken { name: name.to_owned() }.into())
        }
        outcome => outcome.map(drop),
    }
}

/// The table holds no other names; should it ever, they give no power.
pub(super) fn role(name: &str) -> Role {
    if name == Role::Admin.name() { Role::Admin } else { Role::User }
}

fn account(row: &Row) -> Result<Account, Failure> {
    Ok(Account {
        user_id: row.try_get("user_id")?,
        name: row.try_get("name")?,
        role: role(row.try_get("role")?),
        password_hash: row.try_get("password_hash")?,
        generation: row.try_get("generation")?,
        is_disabled: row.try_get("is_disabled")?,
    })
}
