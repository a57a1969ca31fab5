//! Settings of several services, each declared once.

use std::num::NonZeroU64;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use crate::environment::Environment;

const POSTGRES_URL: &str = "ABACUS_POSTGRES_URL";

/// Reads `ABACUS_INSTANCE_ID`, the name of this instance.
pub fn instance_id(env: &mut Environment, default: &'static str) -> String {
    env.get(
        "ABACUS_INSTANCE_ID",
        default,
        "Name of this instance: stable over restarts, unique among running instances",
    )
}

/// Reads `ABACUS_POSTGRES_URL`. `is_valid` is the check of the service's Postgres client. The
/// report of an invalid URL leaves the URL out, because a URL may hold a password.
pub fn postgres_url(env: &mut Environment, is_valid: impl FnOnce(&str) -> bool) -> SecretString {
    let url = env.secret(
        POSTGRES_URL,
        "postgres://abacus:abacus@127.0.0.1:5432/abacus",
        "Postgres of the request log: postgres://user:password@host:port/database",
    );
    if !is_valid(url.expose_secret()) {
        env.problem(POSTGRES_URL, "expected postgres://user:password@host:port/database");
    }
    url
}

/// Reads `ABACUS_MAX_DIGITS`, the largest number of decimal digits of a result.
pub fn max_digits(env: &mut Environment) -> NonZeroU64 {
    env.get("ABACUS_MAX_DIGITS", "1000000", "Largest result, in decimal digits")
}

/// Reads `ABACUS_HEAVY_MINIMUM_COST`, the smallest estimated cost of a request for the heavy lane,
/// in word operations. The processors hand these requests over; the ingress estimates the delays of
/// both lanes separately. With 0, no request is heavy.
pub fn heavy_minimum_cost(env: &mut Environment) -> u64 {
    env.get(
        "ABACUS_HEAVY_MINIMUM_COST",
        "10000000",
        "Smallest estimated cost of a request for the heavy lane, in word operations; 0 for never",
    )
}

/// Settings of Redis.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// URL of the server.
    pub url: SecretString,
    /// Prefix of every key.
    pub prefix: String,
    /// Longest wait for an answer.
    pub timeout: Duration,
}

impl RedisConfig {
    /// Reads `ABACUS_REDIS_URL`, `ABACUS_REDIS_PREFIX` and `ABACUS_REDIS_TIMEOUT`. `prefix` is the
    /// default prefix; each use of Redis has a different default.
    pub fn read(env: &mut Environment, prefix: &'static str) -> Self {
        Self {
            url: env.secret(
                "ABACUS_REDIS_URL",
                "redis://127.0.0.1:6379",
                "Redis URL, shared by all instances; the service continues without Redis",
            ),
            prefix: env.get("ABACUS_REDIS_PREFIX", prefix, "Prefix of every Redis key"),
            timeout: env.get(
                "ABACUS_REDIS_TIMEOUT",
                "25ms",
                "Longest wait for Redis before the service continues without it",
            ),
        }
    }
}
