//! Everything that can go wrong with a request, and the one table of what callers and operators
//! get to see of it.

use abacus_kafka::SendError;
use abacus_operations::Refusal;
use abacus_registry::Error as RegistryError;
use abacus_schemas::{DecodeError, EncodeError};
use axum::http::StatusCode;
use uuid::Uuid;

use crate::{idempotency, identity, protection};

/// Why a request has no result. The text is the problem document's `detail`: for the caller, and
/// with nothing in it that is not the caller's to know.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Identity(#[from] identity::Error),
    #[error(transparent)]
    Protection(#[from] protection::Error),
    #[error("the operand `{operand}` must be a JSON integer or a string of digits, not {found}")]
    OperandType { operand: String, found: &'static str },
    #[error("the operand `{operand}` is given more than once; give it once")]
    RepeatedOperand { operand: String },
    #[error("the body is not JSON: {0}")]
    MalformedJson(serde_json::Error),
    #[error("the body must be {{\"operation\": name, \"operands\": {{name: integer}}}}: {0}")]
    InvalidBody(serde_json::Error),
    #[error("the body must be JSON; send it with `Content-Type: application/json`")]
    UnsupportedMediaType,
    #[error("the body is larger than {limit} bytes; send smaller operands")]
    BodyTooLarge { limit: u64 },
    #[error("the body ended early; send as much as was announced")]
    IncompleteBody,
    #[error("{0}; write the URL in percent-encoded UTF-8")]
    MalformedUrl(String),
    #[error("{hint}")]
    NoSuchPath { hint: String },
    #[error("the parameter `{parameter}` {reason}")]
    InvalidParameter { parameter: String, reason: String },
    #[error("results of more than {limit} digits are given in decimal only; leave `format` away")]
    TooLongForHex { limit: u64 },
    #[error(
        "the result has {len} bytes, and none of them is in the range; `Content-Range` says so"
    )]
    NoSuchRange { len: usize },
    #[error("the body must be {{\"computations\": [...]}}: {0}")]
    InvalidBatch(serde_json::Error),
    #[error("a batch takes 1 to {limit} computations, not {count}; send several batches")]
    BatchSize { count: usize, limit: usize },
    #[error(transparent)]
    Idempotency(#[from] idempotency::Error),
    #[error("this resource does not take {method}; the `Allow` header says what it takes")]
    MethodNotAllowed { method: String },
    #[error("answers come as `application/json` or `text/plain`; accept one of them")]
    NotAcceptable,
    #[error("`{given}` is not a request id; write it as a UUID")]
    MalformedId { given: String },
    #[error(
        "no request {id} is known; one that was made within the last seconds may still be on its \
         way into the log"
    )]
    NoSuchComputation { id: Uuid },
    #[error("{message}")]
    Failed { code: String, message: String },
    #[error("as many requests wait as this server may hold; try again in a moment")]
    TooManyWaiting,
    #[error("the event log cannot be reached; nothing was computed, try again in a moment")]
    KafkaUnreachable,
    #[error("more requests than the event log takes are on their way; try again in a moment")]
    QueueFull,
    #[error("the request is larger than the event log takes; send smaller operands")]
    RecordTooLarge,
    #[error("the request was not taken by the event log; try again in a moment")]
    NotSent(#[source] SendError),
    #[error(
        "the request is not known to have been written to the event log; try again in a moment"
    )]
    NotWritten { reason: String },
    #[error("the event log did not confirm the request in time; try again in a moment")]
    Unconfirmed,
    #[error("the request log cannot be reached; computing works without it, try again later")]
    LogUnavailable(#[source] anyhow::Error),
    #[error("the request could not be written as an event")]
    Encode(#[from] EncodeError),
    #[error("the reply could not be read")]
    UnreadableReply(#[from] DecodeError),
    #[error("the reply's schema could not be read")]
    UnknownReplySchema(#[source] RegistryError),
    #[error("the server failed while it worked on this request")]
    Panicked,
}

/// What an error is to callers and operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) status: StatusCode,
    /// A stable name for programs, and the end of the problem's `type`.
    pub(crate) code: &'static str,
    /// The same for every problem of this code.
    pub(crate) title: &'static str,
    pub(crate) log: LogLevel,
}

/// How loudly an error is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// Not here: it is the caller's affair, or was logged where it happened.
    Silent,
    /// For looking closer: metrics count it, and under load it comes in floods.
    Debug,
    /// An outside system fails us.
    Warn,
    /// We fail.
    Error,
}

impl Class {
    /// A class of errors that are the caller's affair.
    pub(crate) fn silent(status: u16, code: &'static str, title: &'static str) -> Self {
        class(status, code, title, LogLevel::Silent)
    }
}

impl Class {
    /// A class of errors that operators hear about.
    pub(crate) fn warned(status: u16, code: &'static str, title: &'static str) -> Self {
        class(status, code, title, LogLevel::Warn)
    }
}

impl Error {
    /// Whether nothing was sent, so that nothing will come of the request.
    pub(crate) fn is_before_sending(&self) -> bool {
        matches!(
            self,
            Self::TooManyWaiting
                | Self::KafkaUnreachable
                | Self::QueueFull
                | Self::RecordTooLarge
                | Self::NotSent(_)
                | Self::Encode(_)
        )
    }

    /// The table.
    #[rustfmt::skip]
    pub(crate) fn class(&self) -> Class {
        use LogLevel::{Debug, Error, Silent, Warn};
        match self {
            Self::Refused(refusal) => refused(refusal.code()),
            Self::Identity(error) => error.class(),
            Self::Protection(error) => error.class(),
            Self::Failed { code, .. } => failed(code),
            Self::OperandType { .. } => refused("malformed-operand"),
            Self::RepeatedOperand { .. } => class(422, "repeated-operand", "An operand is repeated", Silent),
            Self::MalformedJson(_) => class(400, "malformed-json", "The body is not JSON", Silent),
            Self::InvalidBody(_) | Self::InvalidBatch(_) => class(422, "invalid-body", "The body is not a computation", Silent),
            Self::UnsupportedMediaType => class(415, "unsupported-media-type", "The body's type is not supported", Silent),
            Self::BodyTooLarge { .. } => class(413, "body-too-large", "The body is too large", Silent),
            Self::IncompleteBody => class(400, "incomplete-body", "The body is incomplete", Silent),
            Self::MalformedUrl(_) => class(400, "malformed-url", "The URL cannot be read", Silent),
            Self::NoSuchPath { .. } => class(404, "no-such-path", "There is nothing here", Silent),
            Self::InvalidParameter { .. } => class(400, "invalid-parameter", "A parameter cannot be used", Silent),
            Self::TooLongForHex { .. } => class(422, "too-long-for-hex", "The result is too long for hexadecimal", Silent),
            Self::NoSuchRange { .. } => class(416, "no-such-range", "There are no such bytes", Silent),
            Self::BatchSize { .. } => class(422, "batch-size", "The batch has too many computations, or none", Silent),
            Self::Idempotency(error) => error.class(),
            Self::MethodNotAllowed { .. } => class(405, "method-not-allowed", "The method is not allowed", Silent),
            Self::NotAcceptable => class(406, "not-acceptable", "No acceptable form of answer", Silent),
            Self::MalformedId { .. } => class(400, "malformed-id", "The request id is not a UUID", Silent),
            Self::NoSuchComputation { .. } => class(404, "no-such-computation", "The request is not known", Silent),
            Self::TooManyWaiting => class(503, "too-many-waiting", "The server is busy", Debug),
            Self::KafkaUnreachable => class(503, "event-log-unreachable", "The event log is away", Debug),
            Self::QueueFull => class(503, "queue-full", "The server is busy", Debug),
            Self::RecordTooLarge => class(413, "request-too-large", "The request is too large", Silent),
            Self::NotSent(_) => class(503, "not-sent", "The request was not taken", Error),
            Self::NotWritten { .. } => class(503, "not-written", "The request was not written", Warn),
            Self::Unconfirmed => class(503, "unconfirmed", "The request was not confirmed", Warn),
            Self::LogUnavailable(_) => class(503, "request-log-unavailable", "The request log is away", Warn),
            Self::Encode(_) => class(500, "internal", "The server failed", Error),
            Self::UnreadableReply(_) => class(500, "unreadable-reply", "The reply cannot be read", Error),
            Self::UnknownReplySchema(_) => class(503, "unknown-reply-schema", "The reply cannot be read yet", Error),
            Self::Panicked => class(500, "internal", "The server failed", Silent),
        }
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::QueueFull => Self::QueueFull,
            SendError::TooLarge => Self::RecordTooLarge,
            SendError::Refused(_) => Self::NotSent(error),
        }
    }
}

/// A request that validation refused, here or at the processor.
fn refused(code: &str) -> Class {
    refusal(code).unwrap_or(class(422, "refused", "The request is refused", LogLevel::Silent))
}

/// A failure that the processor answered. Its codes are an open set.
fn failed(code: &str) -> Class {
    let expired = class(504, "expired", "The request came up too late", LogLevel::Warn);
    let unknown = class(500, "computation-failed", "The computation failed", LogLevel::Error);
    refusal(code).unwrap_or(if code == "expired" { expired } else { unknown })
}

#[rustfmt::skip]
fn refusal(code: &str) -> Option<Class> {
    let (code, title) = match code {
        "unknown-operation" => ("unknown-operation", "There is no such operation"),
        "missing-operand" => ("missing-operand", "An operand is missing"),
        "unexpected-operand" => ("unexpected-operand", "An operand is not one of the operation's"),
        "malformed-operand" => ("malformed-operand", "An operand is not an integer"),
        "operand-out-of-range" => ("operand-out-of-range", "An operand is out of range"),
        "result-too-large" => ("result-too-large", "The result would be too large"),
        _ => return None,
    };
    Some(class(422, code, title, LogLevel::Silent))
}

fn class(status: u16, code: &'static str, title: &'static str, log: LogLevel) -> Class {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Class { status, code, title, log }
}

#[cfg(test)]
mod tests;
