//! Errors of a migration.

use std::error::Error as _;
use std::fmt::Write as _;

/// The database is not, or only partly, up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is unreachable, or refuses the connection.
    #[error("cannot connect to Postgres at {address} (ABACUS_POSTGRES_URL): {}", describe(.source))]
    Connection {
        /// Host, port and database.
        address: String,
        /// Error of Postgres.
        #[source]
        source: postgres::Error,
    },
    /// The lock was not acquired in time, or the connection was lost.
    #[error("cannot lock the database; another migration may be running: {}", describe(.0))]
    Lock(#[source] postgres::Error),
    /// The applied migrations differ from the files of this program, or a migration failed.
    #[error("{}", describe_migration(.0))]
    Migration(#[from] refinery::Error),
}

/// Returns the message of Postgres, found in the sources of the error, with code, detail and hint.
pub(crate) fn describe(error: &postgres::Error) -> String {
    let Some(refusal) = error.as_db_error() else {
        return error.source().map_or_else(|| error.to_string(), ToString::to_string);
    };
    let mut text = format!("{} (SQLSTATE {})", refusal.message(), refusal.code().code());
    for more in [refusal.detail(), refusal.hint()].into_iter().flatten() {
        // Writing to a `String` cannot fail.
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
