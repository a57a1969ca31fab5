//! Results in Redis. It may be slow, wrong, full or gone: whatever happens to it is a miss.

use std::sync::Arc;
use std::time::{Duration, Instant};

use abacus_runtime::{Breaker, Change, ExposeSecret};
use anyhow::Context as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, RedisResult};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::value::Cached;
use crate::config::CacheConfig;
use crate::metrics::Metrics;

/// Longer names are not worth a key: their operands are as large as a result.
const MAX_KEY_BYTES: usize = 1024;
/// Writes under way at once; beyond, results are simply not stored.
const MAX_WRITES: usize = 64;
/// Writes are not waited for, so they may take longer than a question.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// The shared level of the cache.
#[derive(Clone)]
pub(crate) struct Redis {
    connection: ConnectionManager,
    breaker: Arc<Breaker>,
    writes: Arc<Semaphore>,
    prefix: Arc<str>,
    timeout: Duration,
    ttl_seconds: u64,
    runtime: Handle,
    metrics: Metrics,
}

impl Redis {
    /// A connection made when it is first used.
    pub(crate) fn new(config: &CacheConfig, metrics: Metrics) -> anyhow::Result<Self> {
        let client = redis::Client::open(config.redis_url.expose_secret())
            .context("ABACUS_REDIS_URL is not a Redis URL")?;
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_millis(500)))
            .set_response_timeout(Some(WRITE_TIMEOUT))
            .set_number_of_retries(1);
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(client, settings)?,
            breaker: Arc::default(),
            writes: Arc::new(Semaphore::new(MAX_WRITES)),
            prefix: config.redis_prefix.as_str().into(),
            timeout: config.redis_timeout,
            ttl_seconds: config.redis_ttl.as_secs().max(1),
            runtime: Handle::current(),
            metrics,
        })
    }

    /// What Redis has for a computation. Blocks the calling thread for the timeout at most.
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
        let Some(bytes) = value.to_bytes(canonical) else { return };
        let (redis, key) = (self.clone(), self.key(canonical));
        self.runtime.spawn(async move {
            let mut connection = redis.connection.clone();
            let write = connection.set_ex::<_, _, ()>(key, bytes, redis.ttl_seconds);
            redis.note(tokio::time::timeout(WRITE_TIMEOUT, write).await);
            drop(permit);
        });
    }

    fn look_up(&self, canonical: &str) -> (Option<Cached>, &'static str) {
        if canonical.len() > MAX_KEY_BYTES || !self.breaker.allows(Instant::now()) {
            return (None, "skipped");
        }
        let mut connection = self.connection.clone();
        let answer = self.runtime.block_on(async {
            let read = connection.get::<_, Option<Vec<u8>>>(self.key(canonical));
            self.note(tokio::time::timeout(self.timeout, read).await)
        });
        answer.map_or((None, "error"), |stored| judge(canonical, stored.as_deref()))
    }

    /// Tells the breaker how a call went.
    fn note<T>(&self, call: Result<RedisResult<T>, tokio::time::error::Elapsed>) -> Option<T> {
        match call {
            Ok(Ok(value)) => {
                tell(self.breaker.succeeded());
                Some(value)
            }
            Ok(Err(error)) => {
                tracing::debug!(error = %error, "Redis failed");
                tell(self.breaker.failed(Instant::now()));
                None
            }
            Err(_) => {
                tell(self.breaker.failed(Instant::now()));
                None
            }
        }
    }

    fn key(&self, canonical: &str) -> String {
        format!("{}{canonical}", self.prefix)
    }
}

/// Says when Redis goes away and when it is back.
fn tell(change: Change) {
    match change {
        Change::Opened => tracing::warn!("Redis does not answer; computing without it"),
        Change::Closed => tracing::info!("Redis answers again"),
        Change::None => {}
    }
}

/// What is made of what Redis has, and the name it is counted under.
fn judge(canonical: &str, stored: Option<&[u8]>) -> (Option<Cached>, &'static str) {
    let Some(bytes) = stored else { return (None, "miss") };
    match Cached::from_bytes(canonical, bytes) {
        Some(cached) => (Some(cached), "hit"),
        None => (None, "invalid"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_stored_for_the_computation_is_a_hit() {
        let cached = Cached { decimal: "128".into(), bits: 8 };
        let stored = cached.to_bytes("pow(2,7)").unwrap();
        assert_eq!(judge("pow(2,7)", Some(&stored)), (Some(cached), "hit"));
        assert_eq!(judge("pow(2,7)", None), (None, "miss"));
        let mut corrupted = stored.clone();
        corrupted[20] ^= 1;
        let mut older = stored.clone();
        older[0] = 1;
        let truncated = &stored[..stored.len() - 1];
        for invalid in [&corrupted[..], &older, truncated, b"", b"128", b"somebody else's"] {
            assert_eq!(judge("pow(2,7)", Some(invalid)), (None, "invalid"), "{invalid:?}");
        }
        assert_eq!(judge("pow(2,8)", Some(&stored)), (None, "invalid"));
    }
}
