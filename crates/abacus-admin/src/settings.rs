//! Settings of all commands.

use abacus_kafka::KafkaConfig;
use abacus_registry::RegistryConfig;
use abacus_runtime::{Config, Environment};
use abacus_schemas::Topics;

/// Addresses and topic names, from the environment variables of the services.
pub(crate) struct Settings {
    pub(crate) kafka: KafkaConfig,
    pub(crate) registry: RegistryConfig,
    pub(crate) topics: Topics,
}

impl Config for Settings {
    fn read(env: &mut Environment) -> Self {
        Self {
            kafka: KafkaConfig::read(env),
            registry: RegistryConfig::read(env),
            topics: abacus_registry::topics(env),
        }
    }
}
