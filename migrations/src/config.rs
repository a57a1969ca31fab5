//! Settings of `abacus-migrate`: the database, and the wait for it.

use std::str::FromStr as _;
use std::time::Duration;

use abacus_runtime::{Config, Environment, shared_settings};

/// Settings of `abacus-migrate`.
pub struct MigrateConfig {
    /// Connection settings of the database.
    pub postgres: postgres::Config,
    /// Longest wait for an unreachable database, and for another migration of the database.
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
            "Longest wait for an unreachable database, and for another migration of the database",
        );
        Self { postgres, wait }
    }
}
