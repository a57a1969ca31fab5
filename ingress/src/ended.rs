//! What became of the waiters that are gone, for a while: so a reply that nobody waits for can be
//! told apart from one that was never ours.

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a reply.
    Answered,
    /// Without one: too late, given up or disconnected.
    Unanswered,
}

/// The latest ends, up to a fixed number; older ones are forgotten.
#[derive(Debug)]
pub(crate) struct Ended {
    capacity: usize,
    order: VecDeque<Uuid>,
    ends: HashMap<Uuid, End>,
}

impl Ended {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            order: VecDeque::with_capacity(capacity),
            ends: HashMap::with_capacity(capacity),
        }
    }

    /// Remembers `end`, and forgets the oldest one when there are too many. An id ends once.
    pub(crate) fn insert(&mut self, id: Uuid, end: End) {
        if self.order.len() >= self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.ends.remove(&oldest);
        }
        self.order.push_back(id);
        self.ends.insert(id, end);
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<End> {
        self.ends.get(&id).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_are_remembered() {
        let mut ended = Ended::new(2);
        let ids = [1, 2, 3].map(Uuid::from_u128);
        for id in ids {
            ended.insert(id, End::Answered);
        }
        assert_eq!(ids.map(|id| ended.get(id)), [None, Some(End::Answered), Some(End::Answered)]);
        assert_eq!(ended.ends.len(), 2);
    }
}
