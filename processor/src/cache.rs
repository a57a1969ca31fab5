//! The cache of results: first the memory of this process, then Redis, shared by all processors.

mod key;
mod redis;
mod value;

use abacus_runtime::ByteSize;

pub(crate) use redis::Redis;
pub(crate) use value::Cached;

use crate::metrics::Metrics;

/// The two levels of the cache.
pub(crate) struct Cache {
    memory: moka::sync::Cache<Box<str>, Cached>,
    redis: Redis,
    metrics: Metrics,
}

impl Cache {
    pub(crate) fn new(capacity: ByteSize, redis: Redis, metrics: Metrics) -> Self {
        let memory =
            moka::sync::Cache::builder().max_capacity(capacity.as_u64()).weigher(weight).build();
        Self { memory, redis, metrics }
    }

    /// Looks into memory without counting: for the second look of a request.
    pub(crate) fn in_memory_uncounted(&self, canonical: &str) -> Option<Cached> {
        self.memory.get(canonical)
    }

    /// Looks into memory, and counts a hit or a miss.
    pub(crate) fn in_memory(&self, canonical: &str) -> Option<Cached> {
        let found = self.memory.get(canonical);
        let result = if found.is_some() { "hit" } else { "miss" };
        self.metrics.cache.with_label_values(&["memory", result]).inc();
        found
    }

    /// Looks into Redis, and copies a hit into memory. Blocks within the Redis timeout.
    pub(crate) fn in_redis(&self, canonical: &str) -> Option<Cached> {
        let found = self.redis.get(canonical)?;
        self.memory.insert(canonical.into(), found.clone());
        Some(found)
    }

    /// Stores a result in memory, and a costly result in Redis too, in the background.
    pub(crate) fn put(&self, canonical: &str, value: Cached, is_costly: bool) {
        if is_costly {
            self.redis.put(canonical, &value);
        }
        self.memory.insert(canonical.into(), value);
    }
}

#[expect(clippy::borrowed_box, reason = "moka passes a reference to the stored key")]
fn weight(key: &Box<str>, value: &Cached) -> u32 {
    u32::try_from(key.len() + value.decimal.len() + ENTRY_OVERHEAD).unwrap_or(u32::MAX)
}

/// Approximate overhead of an entry beside key and digits, in bytes: moka's node and two
/// allocations.
const ENTRY_OVERHEAD: usize = 200;
