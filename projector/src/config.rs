//! The projector's settings.

use std::num::NonZeroUsize;
use std::str::FromStr as _;

use abacus_kafka::{BatchSettings, KafkaConfig};
use abacus_registry::{RegistryConfig, topics};
use abacus_runtime::{
    AdminConfig, ByteSize, Config, Environment, ExposeSecret as _, LogConfig, ServiceConfig,
};
use abacus_schemas::Topics;

const POSTGRES_URL: &str = "ABACUS_POSTGRES_URL";

/// The projector's settings.
#[derive(Debug)]
pub struct ProjectorConfig {
    pub(crate) kafka: KafkaConfig,
    pub(crate) registry: RegistryConfig,
    pub(crate) topics: Topics,
    pub(crate) batch: BatchSettings,
    /// Its `Debug` leaves the password out.
    pub(crate) database: tokio_postgres::Config,
    admin: AdminConfig,
    log: LogConfig,
}

fn batch_settings(env: &mut Environment) -> BatchSettings {
    let group = env.get("ABACUS_PROJECTOR_GROUP", "abacus-projector", "Consumer group");
    let instance = env.get(
        "ABACUS_INSTANCE_ID",
        "projector-1",
        "Name of this instance: the same after a restart, unique among those running",
    );
    let max_records: NonZeroUsize =
        env.get("ABACUS_BATCH_RECORDS", "5000", "Most records in one transaction");
    let max_bytes: ByteSize =
        env.get("ABACUS_BATCH_BYTES", "8MiB", "Size of records that makes a batch full");
    let linger = env.get(
        "ABACUS_BATCH_LINGER",
        "50ms",
        "Longest wait of the first record of a batch for others",
    );
    BatchSettings {
        group,
        instance,
        max_records: max_records.get(),
        max_bytes: usize::try_from(max_bytes.as_u64()).unwrap_or(usize::MAX),
        linger,
    }
}

fn database(env: &mut Environment) -> tokio_postgres::Config {
    let url = env.secret(
        POSTGRES_URL,
        "postgres://abacus:abacus@127.0.0.1:5432/abacus",
        "Postgres of the request log: postgres://user:password@host:port/database",
    );
    tokio_postgres::Config::from_str(url.expose_secret()).unwrap_or_else(|_| {
        // The parser's own words could repeat a part of the password.
        env.problem(POSTGRES_URL, "expected postgres://user:password@host:port/database");
        tokio_postgres::Config::new()
    })
}

impl Config for ProjectorConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            kafka: KafkaConfig::read(env),
            registry: RegistryConfig::read(env),
            topics: topics(env),
            batch: batch_settings(env),
            database: database(env),
            admin: AdminConfig::read(env, "127.0.0.1:9082"),
            log: LogConfig::read(env),
        }
    }
}

impl ServiceConfig for ProjectorConfig {
    fn admin(&self) -> &AdminConfig {
        &self.admin
    }

    fn log(&self) -> &LogConfig {
        &self.log
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_database_url_is_a_problem_that_keeps_the_password() {
        let url = "postgres://abacus:hush@127.0.0.1:port/abacus";
        let mut env = Environment::from_pairs([(POSTGRES_URL, url)]);
        let _ = ProjectorConfig::read(&mut env);
        let problems = env.finish().unwrap_err().to_string();
        assert!(problems.contains(POSTGRES_URL) && !problems.contains("hush"), "{problems}");
    }

    #[test]
    fn a_batch_holds_at_least_one_record() {
        let mut env = Environment::from_pairs([("ABACUS_BATCH_RECORDS", "0")]);
        let _ = ProjectorConfig::read(&mut env);
        assert!(env.finish().is_err());
    }
}
