//! Settings that several services read: declared once, with one description and one default.

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
        "Name of this instance: the same after a restart, unique among those running",
    )
}

/// Reads `ABACUS_POSTGRES_URL`. `is_valid` is the check of the service's Postgres client; the report of an invalid URL
/// does not repeat it, because a URL may hold a password.
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

/// Reads `ABACUS_HEAVY_MINIMUM_COST`, the estimated word operations from which a request belongs to the heavy lane. The
/// processors hand such requests over; the ingress estimates the delays of both lanes separately. 0 means that no request
/// is heavy.
pub fn heavy_minimum_cost(env: &mut Environment) -> u64 {
    env.get(
        "ABACUS_HEAVY_MINIMUM_COST",
        "10000000",
        "Estimated word operations from which a request belongs to the heavy lane; 0 for never",
    )
}

/// Redis of one service.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// URL of the server.
    pub url: SecretString,
    /// Text in front of every key.
    pub prefix: String,
    /// Longest wait for an answer.
    pub timeout: Duration,
}

impl RedisConfig {
    /// Reads `ABACUS_REDIS_URL`, `ABACUS_REDIS_PREFIX` and `ABACUS_REDIS_TIMEOUT`. Each use of Redis has a prefix of its
    /// own by default.
    pub fn read(env: &mut Environment, prefix: &'static str) -> Self {
        Self {
            url: env.secret(
                "ABACUS_REDIS_URL",
                "redis://127.0.0.1:6379",
                "Redis, shared by all instances; the service continues without Redis",
            ),
            prefix: env.get("ABACUS_REDIS_PREFIX", prefix, "Text in front of every Redis key"),
            timeout: env.get(
                "ABACUS_REDIS_TIMEOUT",
                "25ms",
                "Longest wait for Redis before the service continues without it",
            ),
        }
    }
}
