//! Classification of Postgres errors: who is at fault, the server or the batch.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Error of a database call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// A value of the batch can never be stored. The batch is split.
    #[error("Postgres refuses a value: {0}")]
    Refused(String),
    /// The call ended without an answer, or with an error of unclear origin: the connection was
    /// closed, the message was too large, or the memory was used up. The batch may be the reason
    /// if Postgres answers another call and the error repeats. The outcome of the call is unknown.
    #[error("Postgres does not answer: {0}")]
    Unanswered(String),
    /// The server or the deployment is at fault, from a full disk to a missing table. A later
    /// attempt can succeed, and the outcome of the call is unknown.
    #[error("Postgres is away: {0}")]
    Away(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = describe(&error);
        match error.code() {
            Some(code) if is_about_values(code) => Self::Refused(text),
            Some(code) if is_about_the_server(code) => Self::Away(text),
            _ => Self::Unanswered(text),
        }
    }
}

/// Returns `true` for errors of values: class 22, "data exception", and class 54, "program limit
/// exceeded", for example a text too long for its index.
/// <https://www.postgresql.org/docs/15/errcodes-appendix.html>
fn is_about_values(code: &SqlState) -> bool {
    code.code().starts_with("22") || code.code().starts_with("54")
}

/// Returns `true` for errors that no record can cause: invalid state of the transaction or server
/// (25), login (28, 3D), rollbacks for concurrency (40), schema and rights (42), resources (53)
/// except memory, locks (55), intervention (57) except the time limit of a statement, files (58).
fn is_about_the_server(code: &SqlState) -> bool {
    let classes = ["25", "28", "3D", "40", "42", "53", "55", "57", "58"];
    let caused_by_size = [SqlState::OUT_OF_MEMORY, SqlState::QUERY_CANCELED];
    classes.iter().any(|class| code.code().starts_with(class)) && !caused_by_size.contains(code)
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

    #[test]
    fn no_record_is_suspected_of_what_the_server_does_by_itself() {
        let outage = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::DISK_FULL,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::UNDEFINED_TABLE,
            SqlState::INSUFFICIENT_PRIVILEGE,
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::IO_ERROR,
        ];
        assert!(outage.iter().all(is_about_the_server));
    }

    #[test]
    fn what_a_large_record_may_cause_is_unclear() {
        let unclear = [
            SqlState::OUT_OF_MEMORY,
            SqlState::QUERY_CANCELED,
            SqlState::PROTOCOL_VIOLATION,
            SqlState::CONNECTION_FAILURE,
            SqlState::INTERNAL_ERROR,
        ];
        assert!(!unclear.iter().any(|code| is_about_values(code) || is_about_the_server(code)));
    }
}
