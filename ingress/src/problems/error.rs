//! Every error of an HTTP request.

use abacus_operations::Refusal;

use crate::{log, quotas, representation, requests};

/// Why a request fails. The text is the `detail` of the problem document, so it holds nothing that the caller may not
/// know.
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
    #[error("the body ended early; send as much as was announced")]
    IncompleteBody,
    #[error("the request's body did not come in time; send it faster, or in smaller requests")]
    BodyTooSlow,
    #[error("{0}; write the URL in percent-encoded UTF-8")]
    MalformedUrl(String),
    #[error("the path and query are longer than {limit} bytes; send operands in a body, by POST")]
    UrlTooLong { limit: u64 },
    #[error("the request's headers are larger than {limit} bytes; send fewer or shorter ones")]
    HeadersTooLarge { limit: u64 },
    #[error("as many connections are open as may be; use those, or come back in a moment")]
    TooManyConnections,
    #[error("{hint}")]
    NoSuchPath { hint: String },
    #[error("there is no problem type of that code; `/problems` lists them all")]
    NoSuchProblem,
    #[error("this resource does not take {method}; the `Allow` header says what it takes")]
    MethodNotAllowed { method: String },
    #[error("answers come as `application/json` or `text/plain`; accept one of them")]
    NotAcceptable,
    #[error("the parameter `{parameter}` {reason}")]
    InvalidParameter { parameter: String, reason: String },
    #[error("`{given}` is not a request id; write it as a UUID")]
    MalformedId { given: String },
    #[error(
        "the `Idempotency-Key` {0}; send 1 to 255 characters, as a string in quotes or as a token"
    )]
    MalformedKey(&'static str),
    #[error("a batch takes no `Idempotency-Key`; send computations that need one by themselves")]
    KeyNotForBatches,

    #[error("the body does not have the members it should: {0}")]
    InvalidMembers(String),
    #[error("the cursor is not one that a list gave; leave it out to begin at the start")]
    MalformedCursor,
    #[error("a list has 1 to 100 entries at a time; give such a `limit`")]
    MalformedLimit,
    #[error("the server failed while it worked on this request")]
    Panicked,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Requests(refusal.into())
    }
}
