//! The reply topics of direct producers: existence, and limits for each topic.
//!
//! **Invariant:** a topic has at most a limited amount of unwritten replies, and a smaller amount while
//! none of its replies is written. A missing topic takes no memory of the producer. The number of
//! topics is limited, and a topic with unwritten replies is never forgotten.

mod flight;
mod token;

use std::collections::HashMap;
use std::time::Instant;

use parking_lot::Mutex;

use self::flight::Flight;
pub(super) use self::token::Token;
use crate::refusal::Refusal;
use crate::reply_limits::ReplyLimits;

/// Most topics that wait for their look-up. Further new topics are refused, because each look-up takes
/// its time and the next commits of the partitions wait for the result.
const MAX_LOOKUPS: usize = 64;

/// The known reply topics. `W` is a reply that waits for the look-up of its topic.
pub(super) struct ReplyTopics<W> {
    limits: ReplyLimits,
    state: Mutex<State<W>>,
}

struct State<W> {
    topics: HashMap<Box<str>, Topic<W>>,
    /// Names of the topics, by the number in the token of an unwritten reply.
    names: HashMap<u64, Box<str>>,
    last_number: u64,
    lookups: usize,
}

struct Topic<W> {
    number: u64,
    existence: Existence<W>,
    flight: Flight,
}

enum Existence<W> {
    /// A look-up is under way, for these replies of `bytes` together.
    LookedUp { waiting: Vec<W>, bytes: usize },
    /// The topic exists. At `until` the topic is looked up again; meanwhile replies are sent.
    Exists { partitions: u32, until: Instant },
    /// The topic does not exist. Replies are refused until `until`.
    Missing { until: Instant },
}

/// Result of asking for permission to send a reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// The reply may be sent, with this token.
    Admitted(Token),
    /// As [`Self::Admitted`], and the topic must be looked up again.
    AdmittedForLookup(Token),
    /// The reply is refused.
    Refused(Refusal),
    /// The topic must be looked up first.
    Unknown,
}

/// Result of adding a reply that waits for the look-up of its topic.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Deferral<W> {
    /// A look-up is under way.
    Waiting,
    /// The caller must look the topic up.
    LookUp,
    /// The reply is refused.
    Refused(W, Refusal),
}

/// Fate of a reply, from the delivery report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Written,
    Failed,
    /// Failed, because the topic does not exist.
    NoSuchTopic,
}

impl<W> ReplyTopics<W> {
    pub(super) fn new(limits: ReplyLimits) -> Self {
        let state =
            State { topics: HashMap::new(), names: HashMap::new(), last_number: 0, lookups: 0 };
        Self { limits, state: Mutex::new(state) }
    }

    /// Asks for permission to send a reply of `bytes`, and counts an admitted reply as unwritten.
    pub(super) fn admit(
        &self,
        name: &str,
        partition: Option<i32>,
        bytes: usize,
        now: Instant,
    ) -> Admission {
        let mut state = self.state.lock();
        let Some(topic) = state.topics.get_mut(name) else { return Admission::Unknown };
        let (partitions, is_due) = match &topic.existence {
            Existence::Missing { until } if now < *until => {
                return Admission::Refused(Refusal::NoSuchTopic);
            }
            Existence::LookedUp { .. } | Existence::Missing { .. } => return Admission::Unknown,
            Existence::Exists { partitions, until } => (*partitions, now >= *until),
        };
        if partition.is_some_and(|number| u32::try_from(number).is_ok_and(|n| n >= partitions)) {
            // Partitions may have been added.
            return if is_due {
                Admission::Unknown
            } else {
                Admission::Refused(Refusal::NoSuchPartition)
            };
        }
        if !topic.flight.take(bytes, &self.limits, now) {
            return Admission::Refused(Refusal::Backlog);
        }
        let token = Token::new(topic.number, bytes);
        if !is_due {
            return Admission::Admitted(token);
        }
        topic.existence = Existence::Exists { partitions, until: now + self.limits.memory };
        Admission::AdmittedForLookup(token)
    }

    /// Keeps a reply of `bytes` until its topic has been looked up, if the limits allow. The first
    /// reply may have any size.
    pub(super) fn defer(&self, name: &str, reply: W, bytes: usize, now: Instant) -> Deferral<W> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if let Some(topic) = state.topics.get_mut(name)
            && let Existence::LookedUp { waiting, bytes: total } = &mut topic.existence
        {
            let sum = total.saturating_add(bytes);
            if waiting.len() >= self.limits.backlog || sum > self.limits.backlog_bytes {
                return Deferral::Refused(reply, Refusal::Backlog);
            }
            *total = sum;
            waiting.push(reply);
            return Deferral::Waiting;
        }
        if state.lookups >= MAX_LOOKUPS || !state.has_capacity(name, self.limits.topics) {
            return Deferral::Refused(reply, Refusal::TooManyTopics);
        }
        state.lookups += 1;
        let existence = Existence::LookedUp { waiting: vec![reply], bytes };
        match state.topics.get_mut(name) {
            Some(topic) => topic.existence = existence,
            None => state.insert(name, existence, now),
        }
        Deferral::LookUp
    }

    /// Records the number of partitions of a topic, or `None` for a missing topic. Returns the replies
    /// that waited.
    pub(super) fn resolve(&self, name: &str, partitions: Option<u32>, now: Instant) -> Vec<W> {
        let until = now + self.limits.memory;
        self.end_lookup(
            name,
            match partitions {
                Some(partitions) => Existence::Exists { partitions, until },
                None => Existence::Missing { until },
            },
        )
    }

    /// Ends a look-up without a result: the next reply starts another. Returns the replies that
    /// waited.
    pub(super) fn give_up(&self, name: &str, now: Instant) -> Vec<W> {
        let is_waiting = |topic: &Topic<W>| matches!(topic.existence, Existence::LookedUp { .. });
        if !self.state.lock().topics.get(name).is_some_and(is_waiting) {
            return Vec::new();
        }
        self.end_lookup(name, Existence::Missing { until: now })
    }

    fn end_lookup(&self, name: &str, existence: Existence<W>) -> Vec<W> {
        let mut state = self.state.lock();
        let Some(topic) = state.topics.get_mut(name) else { return Vec::new() };
        match std::mem::replace(&mut topic.existence, existence) {
            Existence::LookedUp { waiting, .. } => {
                state.lookups -= 1;
                waiting
            }
            Existence::Exists { .. } | Existence::Missing { .. } => Vec::new(),
        }
    }

    /// Records the delivery of an admitted reply.
    pub(super) fn settle(&self, token: Token, fate: Fate, now: Instant) {
        let (number, bytes) = token.parts();
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let Some(name) = state.names.get(&number) else { return };
        let Some(topic) = state.topics.get_mut(name) else { return };
        topic.flight.end(bytes, fate == Fate::Written, now);
        if fate == Fate::NoSuchTopic && matches!(topic.existence, Existence::Exists { .. }) {
            topic.existence = Existence::Missing { until: now + self.limits.memory };
        }
    }

    /// Number of remembered topics.
    pub(super) fn len(&self) -> usize {
        self.state.lock().topics.len()
    }
}

impl<W> State<W> {
    fn insert(&mut self, name: &str, existence: Existence<W>, now: Instant) {
        self.last_number += 1;
        let number = self.last_number;
        self.names.insert(number, name.into());
        self.topics.insert(name.into(), Topic { number, existence, flight: Flight::new(now) });
    }

    fn remove(&mut self, name: &str) -> Option<Topic<W>> {
        let topic = self.topics.remove(name)?;
        self.names.remove(&topic.number);
        Some(topic)
    }

    /// Makes place for a topic. Missing topics are forgotten first, then idle topics.
    fn has_capacity(&mut self, name: &str, limit: usize) -> bool {
        if self.topics.len() < limit || self.topics.contains_key(name) {
            return true;
        }
        let rank = |topic: &Topic<W>| match topic.existence {
            _ if !topic.flight.is_idle() => None,
            Existence::LookedUp { .. } => None,
            Existence::Missing { until } => Some((0, until)),
            Existence::Exists { until, .. } => Some((1, until)),
        };
        let ranked = self.topics.iter().filter_map(|(name, topic)| Some((rank(topic)?, name)));
        let Some(oldest) = ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name.clone())
        else {
            return false;
        };
        self.remove(&oldest).is_some()
    }
}

#[cfg(test)]
mod tests;
