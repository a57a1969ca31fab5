#![doc = include_str!("../README.md")]

mod config;
mod connection;
mod error;

pub use config::MigrateConfig;
pub use connection::connect;
pub use error::Error;

mod embedded {
    #![allow(missing_docs, clippy::unwrap_used, reason = "written by the macro")]
    refinery::embed_migrations!("sql");
}

/// Key of the advisory lock held during a migration: an arbitrary number, unique to this program.
const LOCK: i64 = 0x6162_6163_7573;

/// Applies the missing migrations to the database of `client`. Returns their names, in the order
/// of applying.
///
/// Waits for a concurrent migration of the database, up to the `lock_timeout` of the connection.
/// After an error, all migrations before the failed one are applied. Close the connection then, to
/// release the lock.
pub fn apply(client: &mut postgres::Client) -> Result<Vec<String>, Error> {
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).map_err(Error::Lock)?;
    let report = embedded::migrations::runner().run(client)?;
    client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).map_err(Error::Lock)?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_the_migrations_have_no_gaps() {
        let runner = embedded::migrations::runner();
        let migrations = runner.get_migrations();
        let mut versions: Vec<_> = migrations.iter().map(refinery::Migration::version).collect();
        versions.sort_unstable();
        let expected: Vec<_> = (1..).take(versions.len()).collect();
        assert_eq!(versions, expected);
    }
}
