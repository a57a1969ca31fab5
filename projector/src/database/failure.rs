//! Classification of Postgres errors.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Error of a database call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// A value of the batch can never be stored. The batch is split.
    #[error("Postgres refuses a value: {0}")]
    Refused(String),
    /// Any other error, from a lost connection to a full disk or a missing table. A later attempt
    /// can succeed, and the outcome of the call is unknown.
    #[error("Postgres is away: {0}")]
    Away(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.code().is_some_and(is_about_values) {
            Self::Refused(describe(&error))
        } else {
            Self::Away(describe(&error))
        }
    }
}

/// Returns `true` for errors of values: class 22, "data exception", and class 54, "program limit
/// exceeded", for example a text too long for its index.
/// <https://www.postgresql.org/docs/15/errcodes-appendix.html>
fn is_about_values(code: &SqlState) -> bool {
    code.code().starts_with("22") || code.code().starts_with("54")
}

/// Returns the message of Postgres, found in the sources of the error. Omits the detail, which may
/// contain values of the row.
fn describe(error: &Error) -> String {
    if let Some(refusal) = error.as_db_error() {
        let hint = match *refusal.code() {
            SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN => {
                "; `abacus-migrate` brings the database up to date"
            }
            _ => "",
        };
        return format!("{} (SQLSTATE {}){hint}", refusal.message(), refusal.code().code());
    }
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_record_holds_is_its_fault() {
        let fault = [
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            SqlState::DATETIME_FIELD_OVERFLOW,
            SqlState::PROGRAM_LIMIT_EXCEEDED,
        ];
        assert!(fault.iter().all(is_about_values));
        let outage = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::DISK_FULL,
            SqlState::UNDEFINED_TABLE,
            SqlState::QUERY_CANCELED,
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::UNIQUE_VIOLATION,
        ];
        assert!(!outage.iter().any(is_about_values));
    }
}
