//! What the program is told: the database, and how long to wait for it.

use std::str::FromStr as _;
use std::time::Duration;

use abacus_runtime::{Config, Environment, shared_settings};

/// The settings of `abacus-migrate`.
pub struct MigrateConfig {
    /// The database.
    pub postgres: postgres::Config,
    /// How long to wait for a database that is away, or that somebody else is migrating.
    pub wait: Duration,
}

impl Config for MigrateConfig {
    fn read(env: &mut Environment) -> Self {
        let mut postgres = postgres::Config::new();
        shared_settings::postgres_url(env, |url| {
            postgres::Config::from_str(url).map(|parsed| postgres = parsed).is_ok()
        });
        let wait = env.get(
            "ABACUS_MIGRATE_WAIT",
            "30s",
            "How long to wait for a database that is away or being migrated by somebody else",
        );
        Self { postgres, wait }
    }
}
