//! Addresses of the servers, and paths of the tools.

use std::env;
use std::path::PathBuf;

/// The servers and tools of this run, named by `cargo xtask test`.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Kafka, as `host:port`.
    pub kafka: String,
    /// User of the test, if Kafka has access lists.
    pub kafka_user: Option<&'static str>,
    /// Base URL of the registry's Confluent-compatible API.
    pub registry: String,
    /// Postgres, for a user who may create databases.
    pub postgres: String,
    /// Redis.
    pub redis: String,
    /// The `redis-server` program.
    pub redis_server: PathBuf,
    /// A Python with `confluent-kafka` and `fastavro`.
    pub python: PathBuf,
    /// Folder of the client programs, built from `tests/clients`.
    pub clients: PathBuf,
    /// Folder of the built binaries.
    pub binaries: PathBuf,
    /// Path of the `java` program.
    pub java: PathBuf,
    /// Class path of Apache Kafka.
    pub kafka_classes: String,
}

impl Stack {
    /// Reads `ABACUS_TEST_*`.
    pub fn from_env() -> Self {
        Self {
            kafka: variable("ABACUS_TEST_KAFKA_BOOTSTRAP"),
            kafka_user: None,
            registry: variable("ABACUS_TEST_REGISTRY_URL"),
            postgres: variable("ABACUS_TEST_POSTGRES_URL"),
            redis: variable("ABACUS_TEST_REDIS_URL"),
            redis_server: variable("ABACUS_TEST_REDIS_SERVER").into(),
            python: variable("ABACUS_TEST_PYTHON").into(),
            clients: variable("ABACUS_TEST_CLIENTS").into(),
            binaries: variable("ABACUS_TEST_BIN_DIR").into(),
            java: variable("ABACUS_TEST_JAVA").into(),
            kafka_classes: variable("ABACUS_TEST_KAFKA_CLASSES"),
        }
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: these tests need real servers. Run them with `cargo xtask test`, \
             which starts the servers and says where they are"
        )
    })
}
