//! Everything that can go wrong with a request, and the one table of what callers and operators
//! get to see of it.

use abacus_kafka::SendError;
use abacus_operations::Refusal;
use abacus_registry::Error as RegistryError;
use abacus_schemas::{DecodeError, EncodeError};
use uuid::Uuid;

use crate::problem::types::{ProblemType, operands, requests, service};
use crate::{idempotency, identity, protection};

pub(crate) use crate::problem::types::Class;

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
    #[error("there is no problem type of that code; `/problems` lists them all")]
    NoSuchProblem,
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
    #[error(
        "the request log is behind, and does not have {id} or not yet; ask again in a moment, or \
         with `Prefer: wait`"
    )]
    LogBehind { id: Uuid },
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
        use LogLevel::{Debug, Error, Warn};
        match self {
            Self::Refused(refusal) => refused(refusal.code()),
            Self::Identity(error) => error.class(),
            Self::Protection(error) => error.class(),
            Self::Failed { code, .. } => failed(code),
            Self::OperandType { .. } => operands::MALFORMED_OPERAND.silent(),
            Self::RepeatedOperand { .. } => operands::REPEATED_OPERAND.silent(),
            Self::MalformedJson(_) => requests::MALFORMED_JSON.silent(),
            Self::InvalidBody(_) | Self::InvalidBatch(_) => requests::INVALID_BODY.silent(),
            Self::UnsupportedMediaType => requests::UNSUPPORTED_MEDIA_TYPE.silent(),
            Self::BodyTooLarge { .. } => requests::BODY_TOO_LARGE.silent(),
            Self::IncompleteBody => requests::INCOMPLETE_BODY.silent(),
            Self::MalformedUrl(_) => requests::MALFORMED_URL.silent(),
            Self::NoSuchPath { .. } => requests::NO_SUCH_PATH.silent(),
            Self::NoSuchProblem => requests::NO_SUCH_PROBLEM.silent(),
            Self::InvalidParameter { .. } => requests::INVALID_PARAMETER.silent(),
            Self::TooLongForHex { .. } => requests::TOO_LONG_FOR_HEX.silent(),
            Self::NoSuchRange { .. } => requests::NO_SUCH_RANGE.silent(),
            Self::BatchSize { .. } => requests::BATCH_SIZE.silent(),
            Self::Idempotency(error) => error.class(),
            Self::MethodNotAllowed { .. } => requests::METHOD_NOT_ALLOWED.silent(),
            Self::NotAcceptable => requests::NOT_ACCEPTABLE.silent(),
            Self::MalformedId { .. } => requests::MALFORMED_ID.silent(),
            Self::NoSuchComputation { .. } => requests::NO_SUCH_COMPUTATION.silent(),
            Self::LogBehind { .. } => service::REQUEST_LOG_BEHIND.logged(Debug),
            Self::TooManyWaiting => service::TOO_MANY_WAITING.logged(Debug),
            Self::KafkaUnreachable => service::EVENT_LOG_UNREACHABLE.logged(Debug),
            Self::QueueFull => service::QUEUE_FULL.logged(Debug),
            Self::RecordTooLarge => requests::REQUEST_TOO_LARGE.silent(),
            Self::NotSent(_) => service::NOT_SENT.logged(Error),
            Self::NotWritten { .. } => service::NOT_WRITTEN.logged(Warn),
            Self::Unconfirmed => service::UNCONFIRMED.logged(Warn),
            Self::LogUnavailable(_) => service::REQUEST_LOG_UNAVAILABLE.logged(Warn),
            Self::Encode(_) => service::INTERNAL.logged(Error),
            Self::UnreadableReply(_) => service::UNREADABLE_REPLY.logged(Error),
            Self::UnknownReplySchema(_) => service::UNKNOWN_REPLY_SCHEMA.logged(Error),
            Self::Panicked => service::INTERNAL.silent(),
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
    refusal(code).unwrap_or(operands::REFUSED).silent()
}

/// A failure that the processor answered. Its codes are an open set.
fn failed(code: &str) -> Class {
    match refusal(code) {
        Some(problem) => problem.silent(),
        None if code == service::EXPIRED.code() => service::EXPIRED.logged(LogLevel::Warn),
        None => service::COMPUTATION_FAILED.logged(LogLevel::Error),
    }
}

/// The operations name their refusals as the problem types are named.
fn refusal(code: &str) -> Option<&'static ProblemType> {
    let known = [
        operands::UNKNOWN_OPERATION,
        operands::MISSING_OPERAND,
        operands::UNEXPECTED_OPERAND,
        operands::MALFORMED_OPERAND,
        operands::OPERAND_OUT_OF_RANGE,
        operands::RESULT_TOO_LARGE,
    ];
    known.into_iter().find(|problem| problem.code() == code)
}

#[cfg(test)]
mod tests;
