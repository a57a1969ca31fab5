//! Connections, the time limit, and errors of the store.

use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio_postgres::error::SqlState;

use crate::deadline::answer_within;
use crate::error::{CredentialFault, Error};

/// Time limit of a question or a transaction, connecting included.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The tables of identity.
pub(crate) struct Store {
    pool: Pool,
}

/// A failed call to Postgres.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Refused(#[from] Error),
    #[error("a connection")]
    Pool(#[from] deadpool_postgres::PoolError),
    #[error("a statement")]
    Postgres(#[from] tokio_postgres::Error),
}

impl From<CredentialFault> for Failure {
    fn from(fault: CredentialFault) -> Self {
        Self::Refused(fault.into())
    }
}

impl Store {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    pub(super) async fn connection(&self) -> Result<Object, Failure> {
        Ok(self.pool.get().await?)
    }
}

/// Waits for a call within the time limit.
pub(super) async fn within<T>(call: impl Future<Output = Result<T, Failure>>) -> Result<T, Error> {
    match answer_within(TIMEOUT, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Failure::Refused(error))) => Err(error),
        Ok(Err(failure)) => Err(Error::Unavailable(failure.into())),
        Err(error) => Err(Error::Unavailable(error)),
    }
}

impl Failure {
    /// Returns true if a unique key was already taken.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION))
    }
}

/// Returns the SQL expression for the timestamp `column` as RFC 3339 text in UTC, to the microsecond.
pub(super) fn rfc3339(column: &str) -> String {
    format!(r#"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#)
}
