//! Accounts, keys and the audit log in Postgres: the truth.
//!
//! **Invariants:** what an act changes, the revocation that makes it known, and its row in the audit
//! log are one transaction. There is always an administrator once there was one: changes to who is
//! one take turns by a lock.

mod administration;
mod audit;
mod keys;
mod revoke;
mod users;

use std::time::Duration;

use anyhow::Context as _;
use deadpool_postgres::{Object, Pool};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;

use super::Error;
use super::error::Fault;

pub(crate) use administration::{AccountEntry, Change};
pub(crate) use audit::AuditEntry;
pub(crate) use keys::KeyEntry;
pub(crate) use users::{Account, Leave, NewAccount};

/// For a question or a whole transaction, connecting included.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The lock of whoever changes who is an administrator; any number that nobody else uses.
const ADMINISTRATORS: i64 = 0x6162_6164_6d69;

const TIME: &str = r#"'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"#;

/// The tables of identity.
pub(crate) struct Store {
    pool: Pool,
}

/// A call to Postgres that did not succeed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Refused(#[from] Error),
    #[error("a connection")]
    Pool(#[from] deadpool_postgres::PoolError),
    #[error("a statement")]
    Postgres(#[from] tokio_postgres::Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault.into())
    }
}

impl Store {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    async fn connection(&self) -> Result<Object, Failure> {
        Ok(self.pool.get().await?)
    }
}

/// Waits for a call, but not for ever.
async fn within<T>(call: impl Future<Output = Result<T, Failure>>) -> Result<T, Error> {
    match timeout(TIMEOUT, call).await.context("no answer in time") {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Failure::Refused(error))) => Err(error),
        Ok(Err(failure)) => Err(Error::Unavailable(failure.into())),
        Err(error) => Err(Error::Unavailable(error)),
    }
}

impl Failure {
    /// Whether a row with the same key is there already.
    fn is_taken(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION))
    }
}
