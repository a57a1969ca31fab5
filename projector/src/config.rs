//! Settings of the projector.

use std::num::NonZeroUsize;
use std::str::FromStr as _;

use abacus_kafka::{BatchSettings, KafkaConfig};
use abacus_registry::{RegistryConfig, topics};
use abacus_runtime::{
    AdminConfig, ByteSize, Config, Environment, LogConfig, ServiceConfig, shared_settings,
};
use abacus_schemas::Topics;

/// Settings of the projector.
#[derive(Debug)]
pub struct ProjectorConfig {
    pub(crate) kafka: KafkaConfig,
    pub(crate) registry: RegistryConfig,
    pub(crate) topics: Topics,
    pub(crate) batch: BatchSettings,
    /// Its `Debug` output has no password.
    pub(crate) database: tokio_postgres::Config,
    admin: AdminConfig,
    log: LogConfig,
}

/// Reads the settings of the batches. `record_bytes` is the largest record that is decoded.
fn batch_settings(env: &mut Environment, record_bytes: usize) -> BatchSettings {
    let group = env.get("ABACUS_PROJECTOR_GROUP", "abacus-projector", "Consumer group");
    let instance = shared_settings::instance_id(env, "projector-1");
    let max_records: NonZeroUsize =
        env.get("ABACUS_BATCH_RECORDS", "5000", "Largest number of records in one transaction");
    let max_bytes: ByteSize =
        env.get("ABACUS_BATCH_BYTES", "8MiB", "Size of records at which a batch is full");
    let linger = env.get(
        "ABACUS_BATCH_LINGER",
        "50ms",
        "Longest wait of the first record of a batch for further records",
    );
    BatchSettings {
        group,
        instance,
        max_records: max_records.get(),
        max_bytes: usize::try_from(max_bytes.as_u64()).unwrap_or(usize::MAX),
        // One more byte than a decoder takes, so that the decoder refuses the record.
        max_copied_bytes: record_bytes.saturating_add(1),
        linger,
    }
}

fn database(env: &mut Environment) -> tokio_postgres::Config {
    let mut database = tokio_postgres::Config::new();
    shared_settings::postgres_url(env, |url| {
        tokio_postgres::Config::from_str(url).map(|parsed| database = parsed).is_ok()
    });
    database
}

impl Config for ProjectorConfig {
    fn read(env: &mut Environment) -> Self {
        let kafka = KafkaConfig::read(env);
        let registry = RegistryConfig::read(env);
        Self {
            kafka,
            topics: topics(env),
            batch: batch_settings(env, registry.limits.record_bytes),
            registry,
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

    const POSTGRES_URL: &str = "ABACUS_POSTGRES_URL";

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
