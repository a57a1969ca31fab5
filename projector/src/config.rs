//! Settings of the projector.

use std::num::{NonZeroU32, NonZeroUsize};
use std::str::FromStr as _;
use std::time::Duration;

use abacus_kafka::{BatchSettings, KafkaConfig};
use abacus_registry::{RegistryConfig, record_keys, topics};
use abacus_runtime::{
    AdminConfig, ByteSize, Config, Environment, LogConfig, ServiceConfig, shared_settings, to_usize,
};
use abacus_schemas::{RecordKeys, Topics, headers};

/// Settings of the projector.
#[derive(Debug)]
pub struct ProjectorConfig {
    pub(crate) kafka: KafkaConfig,
    pub(crate) registry: RegistryConfig,
    pub(crate) topics: Topics,
    pub(crate) batch: BatchSettings,
    /// Largest row, in bytes.
    pub(crate) max_row: u64,
    /// Unanswered writes of a batch before the batch is split.
    pub(crate) attempts: NonZeroU32,
    /// Largest distance of the recorded time of a request from its append time.
    pub(crate) clock_tolerance: Duration,
    /// Keys of the signatures of requests; `None` for no trust in any request.
    pub(crate) record_keys: Option<RecordKeys>,
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
        max_bytes: to_usize(max_bytes),
        // One more byte than a decoder takes, so that the decoder refuses the record.
        max_copied_bytes: record_bytes.saturating_add(1),
        linger,
        headers: &[headers::SIGNATURE, headers::CONTENT_DIGEST],
    }
}

fn max_row(env: &mut Environment) -> u64 {
    let max: ByteSize = env.get(
        "ABACUS_MAX_ROW",
        "16MiB",
        "Largest row; a record with a larger row is put aside in the table rejected_records",
    );
    max.as_u64()
}

fn attempts(env: &mut Environment) -> NonZeroU32 {
    env.get(
        "ABACUS_BATCH_ATTEMPTS",
        "3",
        "Writes of a batch without an answer, while Postgres answers reads, before a record of it is put aside",
    )
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
            max_row: max_row(env),
            attempts: attempts(env),
            clock_tolerance: env.get(
                "ABACUS_CLOCK_TOLERANCE",
                "5m",
                "Largest distance of the time in a request from the time at which Kafka appended it; the log is sorted by the time within this distance",
            ),
            record_keys: record_keys(env),
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
