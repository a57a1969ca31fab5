//! The latest outcomes of waits. Replies can be read here before the request log has them. Accepted
//! requests can be recalled until the reply arrives. A remembered wait tells a late reply from a
//! foreign reply.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

/// Bytes of an entry, apart from the content.
const OVERHEAD: usize = 128;

/// Outcome of an ended wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RecentOutcome<Q> {
    /// With this reply.
    Replied(Bytes),
    /// With a reply too large to keep.
    RepliedAtLength,
    /// Without a reply: given up or disconnected. The operation of the request, for comparison with a
    /// late reply.
    Unanswered(Option<&'static str>),
    /// Without a reply; this request is in the event log and will be processed. Also has the operation.
    Accepted(Arc<Q>, Option<&'static str>),
}

impl<Q> Clone for RecentOutcome<Q> {
    fn clone(&self) -> Self {
        match self {
            Self::Replied(reply) => Self::Replied(reply.clone()),
            Self::RepliedAtLength => Self::RepliedAtLength,
            Self::Unanswered(operation) => Self::Unanswered(*operation),
            Self::Accepted(request, operation) => Self::Accepted(Arc::clone(request), *operation),
        }
    }
}

impl<Q> RecentOutcome<Q> {
    /// Returns true if a reply arrived.
    pub(crate) fn is_replied(&self) -> bool {
        matches!(self, Self::Replied(_) | Self::RepliedAtLength)
    }

    /// The operation of a request without a reply, if the publisher named one.
    pub(crate) fn operation(&self) -> Option<&'static str> {
        match self {
            Self::Unanswered(operation) | Self::Accepted(_, operation) => *operation,
            Self::Replied(_) | Self::RepliedAtLength => None,
        }
    }
}

/// The latest outcomes. Accepted requests are kept apart: a flood of replies does not displace
/// them.
#[derive(Debug)]
pub(crate) struct RecentOutcomes<Q> {
    ended: BoundedOutcomes<Q>,
    accepted: BoundedOutcomes<Q>,
}

impl<Q> RecentOutcomes<Q> {
    /// Keeps up to `capacity` outcomes and `max_bytes` bytes of each of the two kinds. `size` gives
    /// the bytes of a request.
    pub(crate) fn new(capacity: usize, max_bytes: usize, size: fn(&Q) -> usize) -> Self {
        let bounded = || BoundedOutcomes::new(capacity, max_bytes, size);
        Self { ended: bounded(), accepted: bounded() }
    }

    /// Inserts or replaces the outcome of `id`, and removes the oldest outcomes beyond the limits.
    pub(crate) fn insert(&mut self, id: Uuid, outcome: RecentOutcome<Q>) {
        let (to, from) = match outcome {
            RecentOutcome::Accepted(..) => (&mut self.accepted, &mut self.ended),
            _ => (&mut self.ended, &mut self.accepted),
        };
        from.remove(id);
        to.insert(id, outcome);
    }

    /// Returns the outcome of `id`.
    pub(crate) fn get(&self, id: Uuid) -> Option<&RecentOutcome<Q>> {
        self.ended.outcomes.get(&id).or_else(|| self.accepted.outcomes.get(&id))
    }
}

/// Outcomes in the order of insertion.
#[derive(Debug)]
struct BoundedOutcomes<Q> {
    capacity: usize,
    max_bytes: usize,
    size: fn(&Q) -> usize,
    bytes: usize,
    /// Ids in the order of insertion, with removed ids up to a limit.
    order: VecDeque<Uuid>,
    outcomes: HashMap<Uuid, RecentOutcome<Q>>,
}

impl<Q> BoundedOutcomes<Q> {
    fn new(capacity: usize, max_bytes: usize, size: fn(&Q) -> usize) -> Self {
        Self {
            capacity,
            max_bytes,
            size,
            bytes: 0,
            order: VecDeque::with_capacity(capacity),
            outcomes: HashMap::with_capacity(capacity),
        }
    }

    fn insert(&mut self, id: Uuid, outcome: RecentOutcome<Q>) {
        // A single outcome must not displace the rest.
        let outcome = match outcome {
            RecentOutcome::Replied(reply) if reply.len() > self.max_bytes / 4 => {
                RecentOutcome::RepliedAtLength
            }
            outcome => outcome,
        };
        self.bytes += self.size(&outcome);
        match self.outcomes.insert(id, outcome) {
            Some(earlier) => self.bytes -= self.size(&earlier),
            None => self.order.push_back(id),
        }
        while self.outcomes.len() > self.capacity || self.bytes > self.max_bytes {
            let Some(oldest) = self.order.pop_front() else { break };
            self.remove(oldest);
        }
        if self.order.len() > 2 * self.capacity {
            self.order.retain(|id| self.outcomes.contains_key(id));
        }
    }

    fn remove(&mut self, id: Uuid) {
        if let Some(outcome) = self.outcomes.remove(&id) {
            self.bytes -= self.size(&outcome);
        }
    }

    fn size(&self, outcome: &RecentOutcome<Q>) -> usize {
        OVERHEAD
            + match outcome {
                RecentOutcome::Replied(reply) => reply.len(),
                RecentOutcome::RepliedAtLength | RecentOutcome::Unanswered(_) => 0,
                RecentOutcome::Accepted(request, _) => (self.size)(request),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each request is a number, and takes this number of bytes.
    fn recent(capacity: usize, max_bytes: usize) -> RecentOutcomes<usize> {
        RecentOutcomes::new(capacity, max_bytes, |size| *size)
    }

    fn reply(len: usize) -> RecentOutcome<usize> {
        RecentOutcome::Replied(vec![0; len].into())
    }

    fn accepted() -> RecentOutcome<usize> {
        RecentOutcome::Accepted(Arc::new(0), None)
    }

    #[test]
    fn replies_do_not_push_promises_out() {
        let mut recent = recent(2, 10_000);
        let promised = Uuid::from_u128(1_000);
        recent.insert(promised, RecentOutcome::Unanswered(None));
        recent.insert(promised, accepted());
        for number in 0..50 {
            recent.insert(Uuid::from_u128(number), reply(2_000));
        }
        assert_eq!(recent.get(promised), Some(&accepted()));
        recent.insert(promised, reply(5));
        assert_eq!(recent.get(promised), Some(&reply(5)));
        assert_eq!((recent.accepted.outcomes.len(), recent.accepted.bytes), (0, 0));
    }

    #[test]
    fn promises_are_bounded_whether_or_not_they_are_kept() {
        let mut recent = recent(2, 1 << 20);
        for number in 0..50 {
            let id = Uuid::from_u128(number);
            recent.insert(id, accepted());
            recent.insert(id, reply(1));
            assert!(recent.accepted.order.len() <= 4);
        }
        let ids = [51, 52, 53].map(Uuid::from_u128);
        for id in ids {
            recent.insert(id, accepted());
        }
        assert_eq!(ids.map(|id| recent.get(id).is_some()), [false, true, true]);
    }

    #[test]
    fn only_the_latest_are_remembered() {
        let mut recent = recent(2, 1 << 20);
        let ids = [1, 2, 3].map(Uuid::from_u128);
        for id in ids {
            recent.insert(id, RecentOutcome::Unanswered(None));
        }
        assert_eq!(ids.map(|id| recent.get(id).is_some()), [false, true, true]);
        assert_eq!((recent.ended.outcomes.len(), recent.ended.bytes), (2, 2 * OVERHEAD));
    }

    #[test]
    fn bytes_are_bounded_and_given_back() {
        let mut recent = recent(100, 10_000);
        for number in 0..50 {
            recent.insert(Uuid::from_u128(number), reply(2_000));
            assert!(recent.ended.bytes <= 10_000, "{}", recent.ended.bytes);
        }
        assert_eq!(recent.ended.outcomes.len(), 4);
        recent.insert(Uuid::from_u128(49), RecentOutcome::Unanswered(None));
        assert_eq!(recent.ended.bytes, 3 * (2_000 + OVERHEAD) + OVERHEAD);
    }

    #[test]
    fn what_is_too_large_is_known_without_its_bytes() {
        let mut recent = recent(100, 10_000);
        recent.insert(Uuid::from_u128(1), reply(2_000));
        recent.insert(Uuid::from_u128(2), reply(9_000));
        assert_eq!(recent.get(Uuid::from_u128(1)), Some(&reply(2_000)));
        assert_eq!(recent.get(Uuid::from_u128(2)), Some(&RecentOutcome::RepliedAtLength));
    }

    #[test]
    fn a_later_end_takes_the_place_of_an_earlier_one() {
        let mut recent = recent(2, 1 << 20);
        let id = Uuid::from_u128(1);
        recent.insert(id, RecentOutcome::Unanswered(None));
        recent.insert(id, reply(5));
        assert_eq!(recent.get(id), Some(&reply(5)));
        assert_eq!(recent.ended.order.len(), 1);
    }
}
