//! How much each caller has under way. Only callers with something under way are remembered.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use parking_lot::Mutex;

use crate::protection::subject::Subject;

/// Callers are spread over so many locks.
const SHARDS: usize = 16;

pub(super) struct Callers {
    max_requests: u64,
    max_bytes: u64,
    hasher: RandomState,
    shards: [Mutex<HashMap<Subject, Share>>; SHARDS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    requests: u64,
    bytes: u64,
}

impl Callers {
    /// Each may have this much under way; in bytes, anything if there is nothing else.
    pub(super) fn new(max_requests: u64, max_bytes: u64) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { max_requests, max_bytes, hasher: RandomState::new(), shards }
    }

    /// Adds a request of this size to what the caller has, or tells how many one may have.
    pub(super) fn enter(&self, subject: &Subject, bytes: u64) -> Result<(), u64> {
        let Some(shard) = self.shard(subject) else { return Ok(()) };
        let mut shard = shard.lock();
        let held = shard.get(subject).copied().unwrap_or_default();
        let sum = held.bytes.saturating_add(bytes);
        let has_room = held.requests == 0 || sum <= self.max_bytes;
        if held.requests >= self.max_requests || !has_room {
            return Err(self.max_requests);
        }
        let more = Share { requests: held.requests + 1, bytes: sum };
        if let Some(known) = shard.get_mut(subject) {
            *known = more;
        } else {
            shard.insert(subject.clone(), more);
        }
        Ok(())
    }

    pub(super) fn leave(&self, subject: &Subject, bytes: u64) {
        let Some(shard) = self.shard(subject) else { return };
        let mut shard = shard.lock();
        let Some(held) = shard.get_mut(subject) else { return };
        held.requests -= 1;
        held.bytes = held.bytes.saturating_sub(bytes);
        if held.requests == 0 {
            shard.remove(subject);
        }
    }

    fn shard(&self, subject: &Subject) -> Option<&Mutex<HashMap<Subject, Share>>> {
        let hash = usize::try_from(self.hasher.hash_one(subject) % SHARDS as u64).ok()?;
        self.shards.get(hash)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}
