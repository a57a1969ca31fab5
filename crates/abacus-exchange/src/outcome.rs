//! Outcomes of waits, states of requests, and kinds of replies.

use std::sync::Arc;

use bytes::Bytes;

/// Outcome of a wait. `L` is an entry of the request log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitOutcome<L> {
    /// The reply arrived, with these bytes.
    Replied(Bytes),
    /// The request log has the request.
    Logged(Arc<L>),
    /// The request is in the event log, without a reply in time.
    Pending,
    /// The request was given up before an acknowledgement, for this reason.
    NotWritten(String),
    /// Neither a reply, nor an acknowledgement, nor a failure arrived in time.
    Unconfirmed,
}

/// Condition for the end of an attached wait, apart from a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitCondition {
    /// The request log has the request.
    Known,
    /// The request is completed.
    Completed,
}

/// State of a request in the request log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogProgress {
    /// The log has the request, without a completion.
    Known,
    /// The log has the completion.
    Completed,
}

/// State of a request published by this instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The publisher waits, and the event log has not acknowledged the request.
    Sent,
    /// The request is in the event log.
    Written,
}

/// Kind of a received reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// A waiter received the reply.
    Answered,
    /// No waiter was left.
    Late,
    /// The request had a reply before.
    Duplicate,
    /// The reply is for another instance, or for a forgotten request.
    Foreign,
    /// The content of the reply is about another request. The reply has no effect.
    Mismatched,
}

impl ReplyKind {
    /// Label of every kind in metrics.
    pub const NAMES: [&'static str; 5] = ["answered", "late", "duplicate", "foreign", "mismatched"];

    /// Label in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Late => "late",
            Self::Duplicate => "duplicate",
            Self::Foreign => "foreign",
            Self::Mismatched => "mismatched",
        }
    }
}

/// Why a wait cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegisterError {
    /// The largest allowed number of requests wait.
    Full,
    /// The publisher of this request already waits.
    Taken,
}
