//! Errors of HTTP requests.

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
    #[error(transparent)]
    Quota(#[from] quotas::Error),
    #[error(transparent)]
    Log(#[from] log::Error),

    #[error("the operand `{operand}` must be a JSON integer or a string of digits, not {found}")]
    OperandType { operand: String, found: &'static str },
    #[error("the operand `{operand}` is given more than once; give it once")]
    RepeatedOperand { operand: String },
    #[error("the body is not JSON: {0}")]
    MalformedJson(serde_json::Error),
    #[error("the body must be {{\"operation\": name, \"operands\": {{name: integer}}}}: {0}")]
    InvalidBody(serde_json::Error),
    #[error("the body must be {{\"computations\": [...]}}: {0}")]
    InvalidBatch(serde_json::Error),
    #[error("a batch takes 1 to {limit} computations, not {count}; send several batches")]
    BatchSize { count: usize, limit: usize },
    #[error("the body must be JSON; send it with `Content-Type: application/json`")]
    UnsupportedMediaType,
    #[error("the body is larger than {limit} bytes; send smaller operands")]
    BodyTooLarge { limit: u64 },
    #[error("the body ended early; send as many bytes as `Content-Length` announces")]
    IncompleteBody,
    #[error("the body did not arrive in time; send the body faster, or in smaller requests")]
    BodyTooSlow,
    #[error("{0}; write the URL in percent-encoded UTF-8")]
    MalformedUrl(String),
    #[error("the path and query are longer than {limit} bytes; send operands in a body, by POST")]
    UrlTooLong { limit: u64 },
    #[error("the request's headers are larger than {limit} bytes; send fewer or shorter headers")]
    HeadersTooLarge { limit: u64 },
    #[error(
        "the limit of open connections is reached; reuse a connection, or try again in a moment"
    )]
    TooManyConnections,
    #[error("{hint}")]
    NoSuchPath { hint: String },
    #[error("no problem type has this code; `/problems` lists all problem types")]
    NoSuchProblem,
    #[error(
        "this resource does not support {method}; the `Allow` header lists the supported methods"
    )]
    MethodNotAllowed { method: String },
    #[error("answers come as `application/json` or `text/plain`; accept one of the two")]
    NotAcceptable,
    #[error("the parameter `{parameter}` {reason}")]
    InvalidParameter { parameter: String, reason: String },
    #[error("`{given}` is not a request id; write the id as a UUID")]
    MalformedId { given: String },
    #[error(
        "the `Idempotency-Key` {0}; send 1 to 255 characters, as a string in quotes or as a token"
    )]
    MalformedKey(&'static str),
    #[error(
        "a batch takes no `Idempotency-Key`; send each computation with a key in its own request"
    )]
    KeyNotForBatches,

    #[error("the members of the body are wrong: {0}")]
    InvalidMembers(String),
    #[error("the cursor does not come from a list; leave `cursor` out to begin at the start")]
    MalformedCursor,
    #[error("a page has 1 to 100 entries; give a `limit` in this range")]
    MalformedLimit,
    #[error("the server failed during this request")]
    Panicked,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Requests(refusal.into())
    }
}
