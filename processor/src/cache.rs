//! Results worth remembering: in this process' memory, then in Redis, which all processors share.

mod redis;
mod value;

use abacus_runtime::ByteSize;

pub(crate) use redis::Redis;
pub(crate) use value::Cached;

use crate::metrics::Metrics;

/// Both levels.
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

    /// Looks a second time, which is not counted as a second question.
    pub(crate) fn in_memory_by_now(&self, canonical: &str) -> Option<Cached> {
        self.memory.get(canonical)
    }

    pub(crate) fn in_memory(&self, canonical: &str) -> Option<Cached> {
        let found = self.memory.get(canonical);
        let result = if found.is_some() { "hit" } else { "miss" };
        self.metrics.cache.with_label_values(&["memory", result]).inc();
        found
    }

    /// Asks Redis, and remembers what it says in memory. Blocks, though never for long.
    pub(crate) fn in_redis(&self, canonical: &str) -> Option<Cached> {
        let found = self.redis.get(canonical)?;
        self.memory.insert(canonical.into(), found.clone());
        Some(found)
    }

    /// Remembers a result; in Redis, in the background, only where it was `costly` to compute.
    pub(crate) fn put(&self, canonical: &str, value: Cached, is_costly: bool) {
        if is_costly {
            self.redis.put(canonical, &value);
        }
        self.memory.insert(canonical.into(), value);
    }
}

#[expect(clippy::borrowed_box, reason = "moka gives the key as it is stored")]
fn weight(key: &Box<str>, value: &Cached) -> u32 {
    u32::try_from(key.len() + value.decimal.len() + ENTRY_OVERHEAD).unwrap_or(u32::MAX)
}

/// What an entry takes beside its key and digits, roughly: moka's node, two allocations.
const ENTRY_OVERHEAD: usize = 200;
