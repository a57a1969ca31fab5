//! Settings of the ingress. Each section belongs to the module or crate that uses the settings.

use std::str::FromStr as _;

use abacus_exchange::{ExchangeConfig, PublisherConfig, ReplyConfig};
use abacus_http::edge::EdgeConfig;
use abacus_http::server::ServerConfig;
use abacus_identity::IdentityConfig;
use abacus_kafka::KafkaConfig;
use abacus_operations::Limits;
use abacus_registry::{RECORD_KEY, RegistryConfig, record_keys, topics};
use abacus_runtime::{
    AdminConfig, Environment, LogConfig, SecretString, ServiceConfig, shared_settings,
};
use abacus_schemas::{RecordKeys, Topics};

use crate::quotas::QuotaConfig;
use crate::requests::IdempotencyConfig;

/// All settings of the ingress.
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
    pub(crate) postgres_url: SecretString,
    pub(crate) quotas: QuotaConfig,
    pub(crate) edge: EdgeConfig,
    /// `None` for unsigned requests.
    pub(crate) record_keys: Option<RecordKeys>,
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
            postgres_url: postgres_url(env),
            quotas: QuotaConfig::read(env),
            edge: EdgeConfig::read(env),
            record_keys: record_keys(env),
        };
        if config.record_keys.is_none() && !config.identity.serves_anonymous() {
            env.problem(
                RECORD_KEY,
                "expected the output of `openssl rand -base64 32`, got nothing",
            );
        }
        // After the wait no caller would read the result of a late record.
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
    Limits { max_digits: shared_settings::max_digits(env).get(), ..Limits::default() }
}

fn postgres_url(env: &mut Environment) -> SecretString {
    shared_settings::postgres_url(env, |url| tokio_postgres::Config::from_str(url).is_ok())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use abacus_runtime::Config as _;

    use super::*;

    #[test]
    fn the_defaults_are_valid_but_for_keys_that_nobody_else_may_have() {
        let keys = [
            ("ABACUS_TOKEN_KEYS", "a:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="),
            ("ABACUS_RECORD_KEY", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="),
        ];
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
