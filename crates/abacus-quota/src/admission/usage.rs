//! Usage of each subject: requests in flight, and bytes. Only subjects with requests in flight are remembered.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use parking_lot::Mutex;

use crate::subject::Subject;

/// Number of locks. The subjects are spread over the locks.
const SHARDS: usize = 16;

pub(super) struct UsageBySubject {
    max_requests: u64,
    max_bytes: u64,
    hasher: RandomState,
    shards: [Mutex<HashMap<Subject, Usage>>; SHARDS],
}

/// Requests in flight and bytes, of a subject or of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) requests: u64,
    pub(super) bytes: u64,
}

impl UsageBySubject {
    /// Limits of each subject. A subject without bytes in flight may exceed the limit of bytes.
    pub(super) fn new(max_requests: u64, max_bytes: u64) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { max_requests, max_bytes, hasher: RandomState::new(), shards }
    }

    /// Adds `more` to the usage of a subject. Returns the limit of requests as an error if `more` exceeds a limit.
    pub(super) fn enter(&self, subject: &Subject, more: Usage) -> Result<(), u64> {
        let Some(shard) = self.shard(subject) else { return Ok(()) };
        let mut shard = shard.lock();
        let held = shard.get(subject).copied().unwrap_or_default();
        let sum = Usage {
            requests: held.requests.saturating_add(more.requests),
            bytes: held.bytes.saturating_add(more.bytes),
        };
        let has_request_left = more.requests == 0 || sum.requests <= self.max_requests;
        let has_bytes_left = held.bytes == 0 || sum.bytes <= self.max_bytes;
        if !(has_request_left && has_bytes_left) {
            return Err(self.max_requests);
        }
        if let Some(known) = shard.get_mut(subject) {
            *known = sum;
        } else {
            shard.insert(subject.clone(), sum);
        }
        Ok(())
    }

    pub(super) fn leave(&self, subject: &Subject, less: Usage) {
        let Some(shard) = self.shard(subject) else { return };
        let mut shard = shard.lock();
        let Some(held) = shard.get_mut(subject) else { return };
        held.requests = held.requests.saturating_sub(less.requests);
        held.bytes = held.bytes.saturating_sub(less.bytes);
        if held.requests == 0 && held.bytes == 0 {
            shard.remove(subject);
        }
    }

    fn shard(&self, subject: &Subject) -> Option<&Mutex<HashMap<Subject, Usage>>> {
        let hash = usize::try_from(self.hasher.hash_one(subject) % SHARDS as u64).ok()?;
        self.shards.get(hash)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}
