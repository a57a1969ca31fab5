//! Results in Redis. A slow, wrong, full or missing Redis counts as a miss.

use std::sync::Arc;
use std::time::{Duration, Instant};

use abacus_runtime::{Change, CircuitBreaker, ExposeSecret};
use anyhow::Context as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, RedisResult};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::key::CacheKey;
use super::value::Cached;
use crate::cache_config::CacheConfig;
use crate::metrics::Metrics;

/// Longest computation name stored in Redis, in bytes: the operands of longer names are as large as a
/// result.
const MAX_KEY_BYTES: usize = 1024;
/// Most concurrent writes. Further results are not stored.
const MAX_WRITES: usize = 64;
/// Time limit of a write. Longer than the limit of a read, because no request waits for a write.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// The shared level of the cache.
#[derive(Clone)]
pub(crate) struct Redis {
    connection: ConnectionManager,
    breaker: Arc<CircuitBreaker>,
    writes: Arc<Semaphore>,
    prefix: Arc<str>,
    key: CacheKey,
    timeout: Duration,
    ttl_seconds: u64,
    runtime: Handle,
    metrics: Metrics,
}

impl Redis {
    /// Creates a client. The connection opens at first use.
    pub(crate) fn new(config: &CacheConfig, metrics: Metrics) -> anyhow::Result<Self> {
        let client = redis::Client::open(config.redis.url.expose_secret())
            .context("ABACUS_REDIS_URL is not a Redis URL")?;
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_millis(500)))
            .set_response_timeout(Some(WRITE_TIMEOUT))
            .set_number_of_retries(1);
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client, settings)?,
            breaker: Arc::default(),
            writes: Arc::new(Semaphore::new(MAX_WRITES)),
            prefix: config.redis.prefix.as_str().into(),
            key: CacheKey::new(&config.key),
            timeout: config.redis.timeout,
            ttl_seconds: config.redis_ttl.as_secs().max(1),
            runtime: Handle::current(),
            metrics,
        })
    }

    /// Reads the result of a computation. Blocks the calling thread within the timeout.
    pub(crate) fn get(&self, canonical: &str) -> Option<Cached> {
        let (found, result) = self.look_up(canonical);
        self.metrics.cache.with_label_values(&["redis", result]).inc();
        found
    }

    /// Stores a result in the background.
    pub(crate) fn put(&self, canonical: &str, value: &Cached) {
        if canonical.len() > MAX_KEY_BYTES || !self.breaker.allows(Instant::now()) {
            return;
        }
        let Ok(permit) = Arc::clone(&self.writes).try_acquire_owned() else { return };
        let Some(bytes) = value.to_bytes(canonical, &self.key) else { return };
        let (redis, key) = (self.clone(), self.name(canonical));
        self.runtime.spawn(async move {
            let mut connection = redis.connection.clone();
            let write = connection.set_ex::<_, _, ()>(key, bytes, redis.ttl_seconds);
            redis.record(tokio::time::timeout(WRITE_TIMEOUT, write).await);
            drop(permit);
        });
    }

    fn look_up(&self, canonical: &str) -> (Option<Cached>, &'static str) {
        if canonical.len() > MAX_KEY_BYTES || !self.breaker.allows(Instant::now()) {
            return (None, "skipped");
        }
        let mut connection = self.connection.clone();
        let answer = self.runtime.block_on(async {
            let read = connection.get::<_, Option<Vec<u8>>>(self.name(canonical));
            self.record(tokio::time::timeout(self.timeout, read).await)
        });
        answer.map_or((None, "error"), |stored| decode(canonical, stored.as_deref(), &self.key))
    }

    /// Reports the outcome of a call to the circuit breaker.
    fn record<T>(&self, call: Result<RedisResult<T>, tokio::time::error::Elapsed>) -> Option<T> {
        match call {
            Ok(Ok(value)) => {
                log_change(self.breaker.succeeded());
                Some(value)
            }
            Ok(Err(error)) => {
                tracing::debug!(error = %error, "Redis failed");
                log_change(self.breaker.failed(Instant::now()));
                None
            }
            Err(_) => {
                log_change(self.breaker.failed(Instant::now()));
                None
            }
        }
    }

    fn name(&self, canonical: &str) -> String {
        format!("{}{canonical}", self.prefix)
    }
}

/// Logs the start and the end of a Redis outage.
fn log_change(change: Change) {
    match change {
        Change::Opened => tracing::warn!("Redis does not answer; computing without it"),
        Change::Closed => tracing::info!("Redis answers again"),
        Change::None => {}
    }
}

/// Decodes a stored value. Returns the metric label of the lookup too.
fn decode(
    canonical: &str,
    stored: Option<&[u8]>,
    key: &CacheKey,
) -> (Option<Cached>, &'static str) {
    let Some(bytes) = stored else { return (None, "miss") };
    match Cached::from_bytes(canonical, bytes, key) {
        Some(cached) => (Some(cached), "hit"),
        None => (None, "invalid"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_stored_for_the_computation_is_a_hit() {
        let key = CacheKey::random();
        let decode = |canonical, stored| decode(canonical, stored, &key);
        let cached = Cached { decimal: "128".into(), bits: 8 };
        let stored = cached.to_bytes("pow(2,7)", &key).unwrap();
        assert_eq!(decode("pow(2,7)", Some(&stored)), (Some(cached), "hit"));
        assert_eq!(decode("pow(2,7)", None), (None, "miss"));
        let mut corrupted = stored.clone();
        corrupted[20] ^= 1;
        let mut older = stored.clone();
        older[0] = 1;
        let truncated = &stored[..stored.len() - 1];
        for invalid in [&corrupted[..], &older, truncated, b"", b"128", b"somebody else's"] {
            assert_eq!(decode("pow(2,7)", Some(invalid)), (None, "invalid"), "{invalid:?}");
        }
        assert_eq!(decode("pow(2,8)", Some(&stored)), (None, "invalid"));
    }
}
