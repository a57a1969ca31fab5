//! Settings of the cache of results.

use std::time::Duration;

use abacus_runtime::{ByteSize, Config, Environment, ExposeSecret, RedisConfig, SecretString};

/// Shortest key of the cache, in bytes: 32 random characters resist guessing.
const SHORTEST_CACHE_KEY: usize = 32;

/// The cache of results.
#[derive(Debug)]
pub(crate) struct CacheConfig {
    pub(crate) memory: ByteSize,
    pub(crate) redis: RedisConfig,
    pub(crate) redis_ttl: Duration,
    /// Key of the tags of results in Redis; empty for a random key.
    pub(crate) key: SecretString,
}

impl Config for CacheConfig {
    fn read(env: &mut Environment) -> Self {
        let cache = Self {
            memory: env.get("ABACUS_CACHE_MEMORY", "64MiB", "Memory for cached results"),
            redis: RedisConfig::read(env, "abacus:result:"),
            redis_ttl: env.get("ABACUS_REDIS_TTL", "1day", "Lifetime of a result in Redis"),
            key: env.secret(
                "ABACUS_CACHE_KEY",
                "",
                "Key that authenticates results in Redis, equal for all processors, at least 32 characters; \
                 without a key a processor trusts only its own results",
            ),
        };
        if (1..SHORTEST_CACHE_KEY).contains(&cache.key.expose_secret().len()) {
            env.problem(
                "ABACUS_CACHE_KEY",
                format!("expected at least {SHORTEST_CACHE_KEY} characters"),
            );
        }
        cache
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_long_or_missing() {
        for (key, is_good) in [("", true), ("short", false), (&"k".repeat(32), true)] {
            let mut env = Environment::from_pairs([("ABACUS_CACHE_KEY", key)]);
            let _ = CacheConfig::read(&mut env);
            let problems = env.finish().err().map(|p| p.to_string()).unwrap_or_default();
            assert_eq!(problems.is_empty(), is_good, "{key}: {problems}");
            assert!(key.is_empty() || !problems.contains(key));
        }
    }
}
