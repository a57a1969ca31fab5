//! Quotas in Redis: a moment for each subject and policy. A script moves the moment, by the clock of Redis. A value
//! expires when the quota is whole; a missing value means a whole quota.

use std::time::{Duration, Instant};

use abacus_runtime::{Change, CircuitBreaker, ExposeSecret as _, RedisConfig};
use anyhow::Context as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::time::timeout;

use crate::gcra::Quota;
use crate::metrics::Metrics;

/// The second implementation of [`Gcra`](crate::gcra), with times in microseconds. Grants up to `wanted` units if
/// `needed` units remain, else none. Returns the granted and the remaining units. A foreign value under the key counts as
/// a missing value.
const LEASE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local units, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local needed, wanted = tonumber(ARGV[3]), tonumber(ARGV[4])
local whole = tonumber(redis.call('GET', KEYS[1]) or '') or now
whole = math.min(math.max(whole, now), now + window)
local left = math.floor((now + window - whole) * units / window)
if left < needed then return {0, left} end
local granted = math.min(wanted, left)
whole = math.ceil(whole + granted * window / units)
redis.call('SET', KEYS[1], string.format('%.0f', whole), 'PX', math.ceil((whole - now) / 1000) + 1)
return {granted, left - granted}
";

/// Time limit of connecting.
const CONNECTING: Duration = Duration::from_millis(500);

/// Answer of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// Granted units.
    pub(super) units: u64,
    /// Remaining units.
    pub(super) left: u64,
}

/// Leases from Redis, with a time limit and a circuit breaker.
pub struct LeaseStore {
    connection: ConnectionManager,
    breaker: CircuitBreaker,
    prefix: String,
    timeout: Duration,
    metrics: Metrics,
}

impl LeaseStore {
    /// Connects on first use.
    pub fn new(config: &RedisConfig, metrics: Metrics) -> anyhow::Result<Self> {
        let client = redis::Client::open(config.url.expose_secret())
            .context("ABACUS_REDIS_URL is not a Redis URL")?;
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(Some(CONNECTING))
            .set_number_of_retries(1);
        let connection = ConnectionManager::new_lazy_with_config(client, settings)?;
        let (prefix, timeout) = (config.prefix.clone(), config.timeout);
        Ok(Self { connection, breaker: CircuitBreaker::default(), prefix, timeout, metrics })
    }

    /// Longest wait of a request for Redis.
    pub(super) fn patience(&self) -> Duration {
        self.timeout
    }

    /// Returns true if the circuit breaker is open. No request waits for Redis then.
    pub(super) fn is_away(&self) -> bool {
        self.breaker.is_open()
    }

    /// Returns true if a background task may ask Redis now.
    pub(super) fn may_be_asked(&self) -> bool {
        self.breaker.allows(Instant::now())
    }

    /// Asks for `wanted` units, and for at least `needed`. Returns `None` if Redis did not answer.
    pub(super) async fn lease(
        &self,
        key: &str,
        quota: Quota,
        needed: u64,
        wanted: u64,
    ) -> Option<Grant> {
        let mut script = redis::cmd("EVAL");
        script.arg(LEASE).arg(1).arg(format!("{}{key}", self.prefix)).arg(quota.units());
        script.arg(u64::try_from(quota.window().as_micros()).unwrap_or(u64::MAX));
        script.arg(needed).arg(wanted);
        let mut connection = self.connection.clone();
        let asked = timeout(self.timeout, script.query_async::<(u64, u64)>(&mut connection)).await;
        match asked {
            Ok(Ok((units, left))) => {
                self.succeeded();
                Some(Grant { units, left })
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "Redis failed");
                self.failed();
                None
            }
            Err(_) => {
                self.failed();
                None
            }
        }
    }

    fn succeeded(&self) {
        self.metrics.leases.with_label_values(&["granted"]).inc();
        if self.breaker.succeeded() == Change::Closed {
            self.metrics.is_alone.set(0);
            tracing::info!("Redis answers again; rate limits are shared between instances");
        }
    }

    fn failed(&self) {
        self.metrics.leases.with_label_values(&["failed"]).inc();
        if self.breaker.failed(Instant::now()) == Change::Opened {
            self.metrics.fallbacks.inc();
            self.metrics.is_alone.set(1);
            tracing::warn!("Redis does not answer; this instance keeps the rate limits by itself");
        }
    }
}
