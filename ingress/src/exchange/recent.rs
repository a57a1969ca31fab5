//! What became of the waiters that are gone, for a while: their replies, so that they can be read
//! again before the request log has them; the requests that were accepted and not answered; and
//! that there was something, so that a reply that nobody waits for can be told from one that was
//! never ours.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use abacus_schemas::ComputeRequested;
use axum::body::Bytes;
use uuid::Uuid;

/// What an entry takes besides its contents.
const OVERHEAD: usize = 128;

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With this reply.
    Answered(Bytes),
    /// With a reply too large to be kept.
    AnsweredAtLength,
    /// Without one: given up or disconnected.
    Unanswered,
    /// Without one, though this request is in the log and will be worked on.
    Accepted(Arc<ComputeRequested>),
}

impl End {
    /// Whether there was a reply.
    pub(crate) fn is_answered(&self) -> bool {
        matches!(self, Self::Answered(_) | Self::AnsweredAtLength)
    }

    fn size(&self) -> usize {
        OVERHEAD
            + match self {
                Self::Answered(reply) => reply.len(),
                Self::AnsweredAtLength | Self::Unanswered => 0,
                Self::Accepted(request) => {
                    request.operands.iter().map(|(name, text)| name.len() + text.len()).sum()
                }
            }
    }
}

/// The latest ends. Promises are kept apart, so that however many replies come in, what was accepted
/// and not answered is not forgotten for them.
#[derive(Debug)]
pub(crate) struct Recent {
    past: Shelf,
    promised: Shelf,
}

impl Recent {
    /// Each of the two kinds up to a number and to a number of bytes; older ones are forgotten.
    pub(crate) fn new(capacity: usize, max_bytes: usize) -> Self {
        Self { past: Shelf::new(capacity, max_bytes), promised: Shelf::new(capacity, max_bytes) }
    }

    /// Remembers `end`, in place of an earlier one of that id, and forgets the oldest ones when there
    /// is too much.
    pub(crate) fn insert(&mut self, id: Uuid, end: End) {
        let (to, from) = match end {
            End::Accepted(_) => (&mut self.promised, &mut self.past),
            _ => (&mut self.past, &mut self.promised),
        };
        from.remove(id);
        to.insert(id, end);
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<&End> {
        self.past.ends.get(&id).or_else(|| self.promised.ends.get(&id))
    }
}

/// Ends in the order in which they came.
#[derive(Debug)]
struct Shelf {
    capacity: usize,
    max_bytes: usize,
    bytes: usize,
    /// With ids that were removed, until there are too many of them.
    order: VecDeque<Uuid>,
    ends: HashMap<Uuid, End>,
}

impl Shelf {
    fn new(capacity: usize, max_bytes: usize) -> Self {
        Self {
            capacity,
            max_bytes,
            bytes: 0,
            order: VecDeque::with_capacity(capacity),
            ends: HashMap::with_capacity(capacity),
        }
    }

    fn insert(&mut self, id: Uuid, end: End) {
        // One entry must not push all others out.
        let end = match end {
            End::Answered(reply) if reply.len() > self.max_bytes / 4 => End::AnsweredAtLength,
            end => end,
        };
        self.bytes += end.size();
        match self.ends.insert(id, end) {
            Some(earlier) => self.bytes -= earlier.size(),
            None => self.order.push_back(id),
        }
        while self.ends.len() > self.capacity || self.bytes > self.max_bytes {
            let Some(oldest) = self.order.pop_front() else { break };
            self.remove(oldest);
        }
        if self.order.len() > 2 * self.capacity {
            self.order.retain(|id| self.ends.contains_key(id));
        }
    }

    fn remove(&mut self, id: Uuid) {
        self.bytes -= self.ends.remove(&id).map_or(0, |end| end.size());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::some_request;

    fn reply(len: usize) -> End {
        End::Answered(vec![0; len].into())
    }

    fn promise() -> End {
        End::Accepted(some_request())
    }

    #[test]
    fn replies_do_not_push_promises_out() {
        let mut recent = Recent::new(2, 10_000);
        let promised = Uuid::from_u128(1_000);
        recent.insert(promised, End::Unanswered);
        recent.insert(promised, promise());
        for number in 0..50 {
            recent.insert(Uuid::from_u128(number), reply(2_000));
        }
        assert_eq!(recent.get(promised), Some(&promise()));
        recent.insert(promised, reply(5));
        assert_eq!(recent.get(promised), Some(&reply(5)));
        assert_eq!((recent.promised.ends.len(), recent.promised.bytes), (0, 0));
    }

    #[test]
    fn promises_are_bounded_whether_or_not_they_are_kept() {
        let mut recent = Recent::new(2, 1 << 20);
        for number in 0..50 {
            let id = Uuid::from_u128(number);
            recent.insert(id, promise());
            recent.insert(id, reply(1));
            assert!(recent.promised.order.len() <= 4);
        }
        let ids = [51, 52, 53].map(Uuid::from_u128);
        for id in ids {
            recent.insert(id, promise());
        }
        assert_eq!(ids.map(|id| recent.get(id).is_some()), [false, true, true]);
    }

    #[test]
    fn only_the_latest_are_remembered() {
        let mut recent = Recent::new(2, 1 << 20);
        let ids = [1, 2, 3].map(Uuid::from_u128);
        for id in ids {
            recent.insert(id, End::Unanswered);
        }
        assert_eq!(ids.map(|id| recent.get(id).is_some()), [false, true, true]);
        assert_eq!((recent.past.ends.len(), recent.past.bytes), (2, 2 * OVERHEAD));
    }

    #[test]
    fn bytes_are_bounded_and_given_back() {
        let mut recent = Recent::new(100, 10_000);
        for number in 0..50 {
            recent.insert(Uuid::from_u128(number), reply(2_000));
            assert!(recent.past.bytes <= 10_000, "{}", recent.past.bytes);
        }
        assert_eq!(recent.past.ends.len(), 4);
        recent.insert(Uuid::from_u128(49), End::Unanswered);
        assert_eq!(recent.past.bytes, 3 * (2_000 + OVERHEAD) + OVERHEAD);
    }

    #[test]
    fn what_is_too_large_is_known_without_its_bytes() {
        let mut recent = Recent::new(100, 10_000);
        recent.insert(Uuid::from_u128(1), reply(2_000));
        recent.insert(Uuid::from_u128(2), reply(9_000));
        assert_eq!(recent.get(Uuid::from_u128(1)), Some(&reply(2_000)));
        assert_eq!(recent.get(Uuid::from_u128(2)), Some(&End::AnsweredAtLength));
    }

    #[test]
    fn a_later_end_takes_the_place_of_an_earlier_one() {
        let mut recent = Recent::new(2, 1 << 20);
        let id = Uuid::from_u128(1);
        recent.insert(id, End::Unanswered);
        recent.insert(id, reply(5));
        assert_eq!(recent.get(id), Some(&reply(5)));
        assert_eq!(recent.past.order.len(), 1);
    }
}
