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

/// What a caller has under way, or a part of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Share {
    pub(super) requests: u64,
    pub(super) bytes: u64,
}

impl Callers {
    /// Each may have this much under way; in bytes, anything if there is nothing else.
    pub(super) fn new(max_requests: u64, max_bytes: u64) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { max_requests, max_bytes, hasher: RandomState::new(), shards }
    }

    /// Adds `more` to what the caller has, or tells how many requests one may have.
    pub(super) fn enter(&self, subject: &Subject, more: Share) -> Result<(), u64> {
        let Some(shard) = self.shard(subject) else { return Ok(()) };
        let mut shard = shard.lock();
        let held = shard.get(subject).copied().unwrap_or_default();
        let sum = Share {
            requests: held.requests.saturating_add(more.requests),
            bytes: held.bytes.saturating_add(more.bytes),
        };
        let has_place = more.requests == 0 || sum.requests <= self.max_requests;
        let has_room = held.bytes == 0 || sum.bytes <= self.max_bytes;
        if !(has_place && has_room) {
            return Err(self.max_requests);
        }
        if let Some(known) = shard.get_mut(subject) {
            *known = sum;
        } else {
            shard.insert(subject.clone(), sum);
        }
        Ok(())
    }

    pub(super) fn leave(&self, subject: &Subject, less: Share) {
        let Some(shard) = self.shard(subject) else { return };
        let mut shard = shard.lock();
        let Some(held) = shard.get_mut(subject) else { return };
        held.requests = held.requests.saturating_sub(less.requests);
        held.bytes = held.bytes.saturating_sub(less.bytes);
        if held.requests == 0 && held.bytes == 0 {
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
