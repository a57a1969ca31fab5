//! The configuration of the ingress: sections owned by the modules that read them.

use std::num::NonZeroU64;

use abacus_kafka::KafkaConfig;
use abacus_operations::Limits;
use abacus_registry::{RegistryConfig, topics};
use abacus_runtime::{AdminConfig, Environment, LogConfig, ServiceConfig};
use abacus_schemas::Topics;

use crate::exchange::ExchangeConfig;
use crate::exchange::publisher::PublisherConfig;
use crate::exchange::replies::ReplyConfig;
use crate::idempotency::IdempotencyConfig;
use crate::identity::IdentityConfig;
use crate::postgres::PostgresConfig;
use crate::protection::ProtectionConfig;
use crate::server::ServerConfig;

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct IngressConfig {
    pub(crate) admin: AdminConfig,
    pub(crate) log: LogConfig,
    pub(crate) server: ServerConfig,
    pub(crate) identity: IdentityConfig,
    pub(crate) exchange: ExchangeConfig,
    pub(crate) idempotency: IdempotencyConfig,
    pub(crate) replies: ReplyConfig,
    pub(crate) publisher: PublisherConfig,
    pub(crate) limits: Limits,
    pub(crate) topics: Topics,
    pub(crate) kafka: KafkaConfig,
    pub(crate) registry: RegistryConfig,
    pub(crate) postgres: PostgresConfig,
    pub(crate) protection: ProtectionConfig,
}

impl abacus_runtime::Config for IngressConfig {
    fn read(env: &mut Environment) -> Self {
        let mut config = Self {
            server: ServerConfig::read(env),
            admin: AdminConfig::read(env, "127.0.0.1:9080"),
            log: LogConfig::read(env),
            identity: IdentityConfig::read(env),
            exchange: ExchangeConfig::read(env),
            idempotency: IdempotencyConfig::read(env),
            replies: ReplyConfig::read(env),
            publisher: PublisherConfig::read(env),
            limits: limits(env),
            topics: topics(env),
            kafka: KafkaConfig::read(env),
            registry: RegistryConfig::read(env),
            postgres: PostgresConfig::read(env),
            protection: ProtectionConfig::read(env),
        };
        // A record written after its caller was answered would be computed for nobody.
        let timeout = &mut config.publisher.delivery_timeout;
        *timeout = (*timeout).min(config.exchange.wait);
        config
    }
}

impl ServiceConfig for IngressConfig {
    fn admin(&self) -> &AdminConfig {
        &self.admin
    }

    fn log(&self) -> &LogConfig {
        &self.log
    }
}

fn limits(env: &mut Environment) -> Limits {
    let max_digits: NonZeroU64 =
        env.get("ABACUS_MAX_DIGITS", "1000000", "Largest result, in decimal digits");
    Limits { max_digits: max_digits.get(), ..Limits::default() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use abacus_runtime::Config as _;

    use super::*;

    #[test]
    fn the_defaults_are_valid_but_for_keys_that_nobody_else_may_have() {
        let keys = [("ABACUS_TOKEN_KEYS", "a:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")];
        let mut env = Environment::from_pairs(keys);
        let config = IngressConfig::read(&mut env);
        env.finish().unwrap();
        assert_eq!(config.exchange.max_waiters, 20_000);
        assert_eq!(config.limits, Limits::default());
    }

    #[test]
    fn no_record_may_be_delivered_after_the_wait() {
        let mut env = Environment::from_pairs([("ABACUS_WAIT", "1s")]);
        let config = IngressConfig::read(&mut env);
        assert_eq!(config.publisher.delivery_timeout, Duration::from_secs(1));
    }

    #[test]
    fn every_problem_is_reported_by_its_variable() {
        let mut env = Environment::from_pairs([
            ("ABACUS_WAIT", "1ms"),
            ("ABACUS_POSTGRES_URL", "not a url"),
            ("ABACUS_MAX_DIGITS", "0"),
        ]);
        let _ = IngressConfig::read(&mut env);
        let problems = env.finish().unwrap_err().to_string();
        for name in ["ABACUS_WAIT", "ABACUS_POSTGRES_URL", "ABACUS_MAX_DIGITS"] {
            assert!(problems.contains(name), "{problems}");
        }
    }
}
