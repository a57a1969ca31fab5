//! Why a database could not be brought up to date.

use std::error::Error as _;
use std::fmt::Write as _;

/// The database is not, or not wholly, up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is away, or does not take us.
    #[error("Postgres at {place} (ABACUS_POSTGRES_URL) did not let us in: {}", describe(.source))]
    Connection {
        /// Host, port and database.
        place: String,
        /// Postgres' reason.
        #[source]
        source: postgres::Error,
    },
    /// The lock was not given in time, or the connection is gone.
    #[error("another migration of this database seems to be running: {}", describe(.0))]
    Lock(#[source] postgres::Error),
    /// What is applied is not what this program has, or a migration failed.
    #[error("{}", describe_migration(.0))]
    Migration(#[from] refinery::Error),
}

/// What Postgres says; the error itself shows it only through its sources.
pub(crate) fn describe(error: &postgres::Error) -> String {
    let Some(refusal) = error.as_db_error() else {
        return error.source().map_or_else(|| error.to_string(), ToString::to_string);
    };
    let mut text = format!("{} (SQLSTATE {})", refusal.message(), refusal.code().code());
    for more in [refusal.detail(), refusal.hint()].into_iter().flatten() {
        // Writing to a String cannot fail.
        let _ = write!(text, "; {more}");
    }
    text
}

fn describe_migration(error: &refinery::Error) -> String {
    match error.source().and_then(|source| source.downcast_ref()) {
        Some(source) => format!("a migration failed: {}", describe(source)),
        None => error.to_string(),
    }
}
