//! Errors of HTTP requests.

use std::borrow::Cow;

use abacus_http::problem::ProblemType;
use abacus_operations::Refusal;

use crate::{log, quotas, representation, requests};

/// Reason why a request fails. The text is the `detail` of the problem document, and tells only
/// facts that the caller may know.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Requests(#[from] requests::Error),
    #[error(transparent)]
    Representation(#[from] representation::Error),
    #[error(transparent)]
    Identity(#[from] abacus_identity::Error),
    /// An error of a problem type without members, with the detail.
    #[error("{1}")]
    Plain(&'static ProblemType, Cow<'static, str>),

    #[error("the operand `{operand}` must be a JSON integer or a string of digits, not {found}")]
    OperandType { operand: String, found: &'static str },
    #[error("the operand `{operand}` is given more than once; give it once")]
    RepeatedOperand { operand: String },
    #[error("a batch takes 1 to {limit} computations, not {count}; send several batches")]
    BatchSize { count: usize, limit: usize },
    #[error("the body is larger than {limit} bytes; send smaller operands")]
    BodyTooLarge { limit: u64 },
    #[error("the path and query are longer than {limit} bytes; send operands in a body, by POST")]
    UrlTooLong { limit: u64 },
    #[error("the request's headers are larger than {limit} bytes; send fewer or shorter headers")]
    HeadersTooLarge { limit: u64 },
    #[error(
        "the limit of open connections is reached; reuse a connection, or try again in a moment"
    )]
    TooManyConnections,
    #[error("the parameter `{parameter}` {reason}")]
    InvalidParameter { parameter: String, reason: String },
}

impl Error {
    /// Creates an error of a problem type without members. The answer is not logged.
    pub(crate) fn new(problem: &'static ProblemType, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Plain(problem, detail.into())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Requests(refusal.into())
    }
}

impl From<quotas::Error> for Error {
    fn from(error: quotas::Error) -> Self {
        Self::Requests(error.into())
    }
}

impl From<log::Error> for Error {
    fn from(error: log::Error) -> Self {
        Self::Requests(error.into())
    }
}
