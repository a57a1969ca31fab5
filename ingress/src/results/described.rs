//! What the `OpenAPI` document says of parameters and answers that all handlers of results share.

use utoipa::{IntoParams, IntoResponses};

/// How the result is wanted, and how long it is waited for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a description")]
pub(crate) struct ResultQuery {
    /// The notation of the result: `dec`, or `hex` for the magnitude in lower case after the sign.
    #[param(required = false, nullable = false, inline)]
    format: Option<Notation>,
    /// Only the first so many digits of the result; `truncated` says whether there are more.
    #[param(required = false, nullable = false, minimum = 1)]
    digits: Option<u64>,
    /// Seconds to wait at most, like `Prefer: wait=N`, which it outweighs.
    #[param(required = false, nullable = false, minimum = 0)]
    wait: Option<u64>,
}

#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "a description")]
pub(crate) enum Notation {
    Dec,
    Hex,
}

/// How long to wait.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "a description")]
pub(crate) struct PreferHeader {
    /// `wait=N`, `respond-async`, or both (RFC 7240). `Preference-Applied` says what was honoured.
    #[param(rename = "Prefer", required = false, nullable = false, example = "wait=10")]
    prefer: Option<String>,
}

/// Under which key.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "a description")]
pub(crate) struct KeyHeader {
    /// 1 to 255 characters, a new value for each computation. Sent again with the same computation, it
    /// gets the same answer; with another, a 422. Needs credentials.
    #[param(
        rename = "Idempotency-Key",
        required = false,
        nullable = false,
        example = "8e03978e-40d5-43dd-bc93-6894a57f9324"
    )]
    key: Option<String>,
}

/// What the caller has already.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "a description")]
pub(crate) struct ConditionHeaders {
    /// Entity tags of answers that the caller has.
    #[param(rename = "If-None-Match", required = false, nullable = false)]
    if_none_match: Option<String>,
    /// One range of bytes of the bare digits.
    #[param(rename = "Range", required = false, nullable = false, example = "bytes=0-999")]
    range: Option<String>,
    /// The tag that the range is wanted of; of anything else, all of it.
    #[param(rename = "If-Range", required = false, nullable = false)]
    if_range: Option<String>,
}

/// Answers to conditional and partial requests.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "a description")]
pub(crate) enum Conditional {
    /// A part of the bare digits
    #[response(status = 206, content_type = "text/plain")]
    Part(String),
    /// The caller has it
    #[response(status = 304)]
    NotModified,
    /// There are no such bytes
    #[response(status = 416, content_type = "application/problem+json")]
    NoSuchRange,
}
