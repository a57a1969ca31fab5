//! Accounts: registration, sign-in and passwords.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::connection::{Failure, Store, within};
use super::{audit_log, revoke};
use crate::audit::Event;
use crate::caller::Role;
use crate::error::{CredentialFault, Error};
use crate::name::UserName;
use crate::revocations::Revocation;
use crate::tokens::Session;

/// Key of the advisory lock for changes of administrators; any number without another use.
const ADMINISTRATORS: i64 = 0x6162_6164_6d69;

const FIND: &str = "
    SELECT user_id, name, role, password_hash, generation, disabled_at IS NOT NULL AS is_disabled
      FROM users WHERE name = $1";

const INSERT: &str = "
    INSERT INTO users (user_id, name, role, password_hash) VALUES ($1, $2, $3, $4)";

/// Changes the password if the account is unchanged since it was read, and the session is valid: of the account's
/// generation, or spared by the latest change.
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

/// An account, for signing in.
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
    pub(crate) grant: RegistrationGrant,
}

/// The right by which an account is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegistrationGrant {
    /// The registration policy is open.
    Open,
    /// The acting account is an administrator.
    Administrator,
    /// The bootstrap token with this SHA-256.
    Bootstrap([u8; 32]),
}

impl Store {
    /// Returns the account with this name.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Account>, Error> {
        within(async {
            let client = self.connection().await?;
            let find = client.prepare_cached(FIND).await?;
            client.query_opt(&find, &[&name]).await?.as_ref().map(account).transpose()
        })
        .await
    }

    /// Makes an account. An administrator's right is checked again in the transaction; a bootstrap token must be unused,
    /// and no administrator may exist.
    pub(crate) async fn create(
        &self,
        new: &NewAccount<'_>,
        event: &Event<'_>,
    ) -> Result<(), Error> {
        within(async {
            let mut client = self.connection().await?;
            let transaction = client.transaction().await?;
            let user_id = Uuid::now_v7();
            match new.grant {
                RegistrationGrant::Open => {}
                RegistrationGrant::Administrator => administer(&transaction, event).await?,
                RegistrationGrant::Bootstrap(_) => check_no_administrator(&transaction).await?,
            }
            insert(&transaction, user_id, new).await?;
            if let RegistrationGrant::Bootstrap(token) = &new.grant {
                use_up(&transaction, token, user_id).await?;
            }
            audit_log::insert(&transaction, event).await?;
            Ok(transaction.commit().await?)
        })
        .await?;
        event.log();
        Ok(())
    }

    /// Replaces an outdated hash, unless the password has changed.
    pub(crate) async fn rehash(&self, account: &Account, hash: &str) -> Result<(), Error> {
        within(async {
            let client = self.connection().await?;
            client.execute(REHASH, &[&account.user_id, &account.password_hash, &hash]).await?;
            Ok(())
        })
        .await
    }

    /// Changes a password and ends all sessions except `session`. Refused if the account has changed since the caller
    /// read the account, or if the session was ended: a concurrent revocation stays in force.
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
            let generation = row.ok_or(CredentialFault::Ended)?.try_get(0)?;
            let spared = Some(session.id);
            let ended = revoke::end_before(&transaction, user_id, generation, spared).await?;
            audit_log::insert(&transaction, event).await?;
            transaction.commit().await?;
            Ok(ended)
        })
        .await?;
        event.log();
        Ok(revocation)
    }
}

/// Takes the lock of administrators, and checks the role of the acting account in Postgres: the memory of this instance
/// may be outdated.
pub(super) async fn administer(
    transaction: &Transaction<'_>,
    event: &Event<'_>,
) -> Result<(), Failure> {
    take_turns(transaction).await?;
    let is_allowed = transaction.query_one(IS_ADMINISTRATOR, &[&event.actor]).await?.try_get(0)?;
    if is_allowed { Ok(()) } else { Err(Error::AdminsOnly.into()) }
}

/// Takes the lock for changes of administrators.
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

/// Reads a role. The table holds only known names; another name would give no rights.
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
