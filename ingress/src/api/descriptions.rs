//! Descriptions of parameters and answers shared by handlers, for the `OpenAPI` document.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Content, Object, ObjectBuilder, Ref, RefOr, Type};
use utoipa::{IntoParams, IntoResponses};

use abacus_http::problem::responses::{response, text};

use crate::representation::Radix;

/// The form of the result, and the longest wait.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a description")]
pub(super) struct ResultQuery {
    /// The notation of the result: `dec`, or `hex` for the magnitude in lower case after the sign.
    #[param(required = false, nullable = false, inline)]
    format: Option<Radix>,
    /// Number of leading digits in the answer; `truncated` is `true` if the result has more digits.
    #[param(required = false, nullable = false, schema_with = at_least::<1>)]
    digits: Option<u64>,
    /// Longest wait in seconds, like `Prefer: wait=N`; the parameter has precedence.
    #[param(required = false, nullable = false, schema_with = at_least::<0>)]
    wait: Option<u64>,
}

/// Returns the schema of an integer of any size, with the minimum `LEAST`.
fn at_least<const LEAST: u8>() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(LEAST)).build()
}

/// The wait for the result.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "a description")]
pub(super) struct PreferHeader {
    /// `wait=N`, `respond-async`, or both (RFC 7240). `Preference-Applied` names the honoured
    /// preferences.
    #[param(rename = "Prefer", required = false, nullable = false, example = "wait=10")]
    prefer: Option<String>,
}

/// The idempotency key.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "a description")]
pub(super) struct KeyHeader {
    /// 1 to 255 characters, a new value for each computation. A repeated request with the key gets
    /// the first answer; a key with another computation gets 422. Needs credentials.
    #[param(
        rename = "Idempotency-Key",
        required = false,
        nullable = false,
        pattern = r#"^([A-Za-z0-9!#$%&'*+.^_`|~:/=-]{1,255}|"([ !#-\[\]-~]|\\["\\]){1,255}") *(;.*)?$"#,
        example = "8e03978e-40d5-43dd-bc93-6894a57f9324"
    )]
    key: Option<String>,
}

/// Conditions on answers that the caller already has.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "a description")]
pub(super) struct ConditionHeaders {
    /// Strong entity tags of the expected answer, or `*`. Another answer is refused with 412.
    #[param(rename = "If-Match", required = false, nullable = false)]
    if_match: Option<String>,
    /// Entity tags of the caller's answers, or `*` for any answer.
    #[param(rename = "If-None-Match", required = false, nullable = false)]
    if_none_match: Option<String>,
    /// One range of bytes of the bare digits.
    #[param(rename = "Range", required = false, nullable = false, example = "bytes=0-999")]
    range: Option<String>,
    /// Entity tag of the answer for the range. If the tag has changed, the answer is sent whole.
    #[param(rename = "If-Range", required = false, nullable = false)]
    if_range: Option<String>,
}

/// Answers to a request for a computation: the result, or 202.
pub(super) struct Computed;

impl IntoResponses for Computed {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let done = described("The result")
            .content("application/json", computation())
            .content("text/plain", Content::new(Some(Object::with_type(Type::String))))
            .header("Cache-Status", text("Cache with the result (RFC 9211)."))
            .header("ETag", text("For GET; strong for the bare digits."));
        let accepted = described("Accepted and pending: ask for the result at `Location`")
            .content("application/json", computation())
            .header("Location", text("Path of the result."))
            .header("Retry-After", text("Seconds after which to ask again."));
        [("200", done), ("202", accepted)]
            .map(|(status, response)| (status.to_owned(), response.build().into()))
            .into()
    }
}

fn described(what: &str) -> ResponseBuilder {
    ResponseBuilder::new()
        .description(what)
        .header("X-Request-Id", text("Id of the request."))
        .header("traceparent", text("Trace of the request."))
        .header("Server-Timing", text("Durations in milliseconds."))
        .header("Preference-Applied", text("The honoured preferences."))
        .header(
            "Idempotency-Replayed",
            text("`true` in the answer to an earlier request under the key."),
        )
        .header("Idempotency-Expires", text("Time when the key expires."))
}

fn computation() -> Content {
    Content::new(Some(Ref::from_schema_name("Computation")))
}

/// Answers to conditional and partial requests.
pub(super) struct Conditional;

impl IntoResponses for Conditional {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let digits = Content::new(Some(Object::with_type(Type::String)));
        let part = ResponseBuilder::new()
            .description("A part of the bare digits")
            .content("text/plain", digits)
            .header("Content-Range", text("Range of bytes, and their total number."));
        let known = ResponseBuilder::new().description("The caller already has the answer");
        BTreeMap::from([
            ("206".to_owned(), part.build().into()),
            ("304".to_owned(), known.build().into()),
            ("412".to_owned(), response(StatusCode::PRECONDITION_FAILED).into()),
            ("416".to_owned(), response(StatusCode::RANGE_NOT_SATISFIABLE).into()),
        ])
    }
}
