//! A generated record, with the expectation for it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use abacus_check::Question;
use abacus_schemas::{ComputeRequested, Topics};
use abacus_testkit::{RawBatch, WildRecord};
use uuid::Uuid;

use crate::kind::Kind;

/// A record or a batch to write.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) number: u64,
    pub(crate) kind: Kind,
    pub(crate) target: Target,
    pub(crate) partition: i32,
    pub(crate) form: Form,
    /// One expectation for each record.
    pub(crate) expected: Vec<Expected>,
    /// The question of an honest caller.
    pub(crate) question: Option<Question>,
}

/// The topic of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Target {
    /// Requests.
    Requested,
    /// Requests of the heavy lane.
    Heavy,
    /// Completions.
    Completed,
    /// Replies to the ingress.
    Replies,
    /// Dead letters.
    DeadLetter,
}

impl Target {
    /// The name of the topic.
    pub(crate) fn topic(self, topics: &Topics) -> &str {
        match self {
            Self::Requested => &topics.requested,
            Self::Heavy => &topics.requested_heavy,
            Self::Completed => &topics.completed,
            Self::Replies => &topics.replies,
            Self::DeadLetter => &topics.dead_letter,
        }
    }

    /// Returns whether processors read the topic.
    pub(crate) fn is_judged(self) -> bool {
        matches!(self, Self::Requested | Self::Heavy)
    }
}

/// The way in which a record is written.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// By a client library with a codec.
    Record(&'static str, WildRecord),
    /// By hand.
    Batch(RawBatch),
}

/// The right end of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// One completion for the content of the request, or a part in the one completion of its repeats.
    Completed(Content),
    /// A reply at most: the record says of itself that it is a repeat.
    Answered,
    /// A dead letter.
    DeadLetter,
    /// A dead letter, or the completion of the request that a decoder finds in these bytes.
    Either(Vec<u8>),
    /// None: the record is in no topic of requests.
    Ignored,
}

/// Identity of a request: its id, and a digest of all that a completion repeats, except times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Content {
    pub(crate) id: Uuid,
    pub(crate) digest: u64,
}

impl Content {
    /// The identity of `request`; `None` if its id is no UUID.
    pub(crate) fn of(request: &ComputeRequested) -> Option<Self> {
        let ComputeRequested { request_id, operation, operands, requester, source, .. } = request;
        let id = Uuid::try_parse(request_id).ok()?;
        let mut hasher = DefaultHasher::new();
        (operation, operands, requester, source).hash(&mut hasher);
        Some(Self { id, digest: hasher.finish() })
    }
}
