//! What the program is told: the database, and how long to wait for it.

use std::str::FromStr as _;
use std::time::Duration;

use abacus_runtime::{Config, Environment, ExposeSecret as _};

const URL: &str = "ABACUS_POSTGRES_URL";

/// The settings of `abacus-migrate`.
pub struct MigrateConfig {
    /// The database.
    pub postgres: postgres::Config,
    /// How long to wait for a database that is away, or that somebody else is migrating.
    pub wait: Duration,
}

impl Config for MigrateConfig {
    fn read(env: &mut Environment) -> Self {
        let url = env.secret(
            URL,
            "postgres://abacus:abacus@127.0.0.1:5432/abacus",
            "Postgres of the request log: postgres://user:password@host:port/database",
        );
        let postgres = postgres::Config::from_str(url.expose_secret()).unwrap_or_else(|_| {
            env.problem(URL, "expected postgres://user:password@host:port/database");
            postgres::Config::new()
        });
        let wait = env.get(
            "ABACUS_MIGRATE_WAIT",
            "30s",
            "How long to wait for a database that is away or being migrated by somebody else",
        );
        Self { postgres, wait }
    }
}
