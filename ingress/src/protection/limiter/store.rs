//! The quotas in Redis: one moment per caller and policy, moved on by one script, by Redis' own
//! clock. A value expires once its quota is whole again, which is what no value means.

use std::time::{Duration, Instant};

use abacus_runtime::{Breaker, Change, Config, Environment, ExposeSecret as _, SecretString};
use anyhow::Context as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::time::timeout;

use crate::protection::metrics::Metrics;
use crate::protection::quota::Quota;

/// See [`Gcra`](crate::protection::quota::Gcra), of which this is the other implementation; times
/// are in microseconds. It gives up to `wanted` units if there are `needed`, else none, and says what
/// is left. What somebody else has left under the key counts as no value.
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

/// A connection that does not come about in this time is given up.
const CONNECTING: Duration = Duration::from_millis(500);

/// Where Redis is.
#[derive(Clone, Debug)]
pub(crate) struct StoreConfig {
    url: SecretString,
    prefix: String,
    timeout: Duration,
}

impl Config for StoreConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            url: env.secret(
                "ABACUS_REDIS_URL",
                "redis://127.0.0.1:6379",
                "Redis with the rate limits, shared by all instances; without it each keeps them by itself",
            ),
            prefix: env.get(
                "ABACUS_REDIS_PREFIX",
                "abacus:limit:",
                "Text in front of every Redis key",
            ),
            timeout: env.get(
                "ABACUS_REDIS_TIMEOUT",
                "25ms",
                "Longest wait for Redis before a rate limit is decided without it",
            ),
        }
    }
}

/// What Redis has granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    /// These may be spent.
    pub(super) units: u64,
    /// These were left.
    pub(super) left: u64,
}

pub(crate) struct Store {
    connection: ConnectionManager,
    breaker: Breaker,
    prefix: String,
    timeout: Duration,
    metrics: Metrics,
}

impl Store {
    /// A connection that is made when it is first used.
    pub(crate) fn new(config: &StoreConfig, metrics: Metrics) -> anyhow::Result<Self> {
        let client = redis::Client::open(config.url.expose_secret())
            .context("ABACUS_REDIS_URL is not a Redis URL")?;
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(Some(CONNECTING))
            .set_number_of_retries(1);
        let connection = ConnectionManager::new_lazy_with_config(client, settings)?;
        let (prefix, timeout) = (config.prefix.clone(), config.timeout);
        Ok(Self { connection, breaker: Breaker::default(), prefix, timeout, metrics })
    }

    /// How long a request may be held up.
    pub(super) fn patience(&self) -> Duration {
        self.timeout
    }

    /// Whether nobody is to wait for it.
    pub(super) fn is_away(&self) -> bool {
        self.breaker.is_open()
    }

    /// Whether somebody who does not wait may ask it now.
    pub(super) fn may_be_asked(&self) -> bool {
        self.breaker.allows(Instant::now())
    }

    /// Asks for `wanted` units, of which `needed` are no use if there are fewer; `None` if Redis did
    /// not answer.
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
