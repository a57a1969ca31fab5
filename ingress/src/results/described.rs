//! What the `OpenAPI` document says of parameters and answers that all handlers of results share.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Content, Object, ObjectBuilder, Ref, RefOr, Type};
use utoipa::{IntoParams, IntoResponses};

use crate::problem::responses::{response, text};

/// How the result is wanted, and how long it is waited for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a description")]
pub(crate) struct ResultQuery {
    /// The notation of the result: `dec`, or `hex` for the magnitude in lower case after the sign.
    #[param(required = false, nullable = false, inline)]
    format: Option<Notation>,
    /// Only the first so many digits of the result; `truncated` says whether there are more.
    #[param(required = false, nullable = false, schema_with = from::<1>)]
    digits: Option<u64>,
    /// Seconds to wait at most, like `Prefer: wait=N`, which it outweighs.
    #[param(required = false, nullable = false, schema_with = from::<0>)]
    wait: Option<u64>,
}

/// An integer of any size.
fn from<const LEAST: u8>() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(LEAST)).build()
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
        pattern = r#"^([A-Za-z0-9!#$%&'*+.^_`|~:/=-]{1,255}|"([ !#-\[\]-~]|\\["\\]){1,255}") *(;.*)?$"#,
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

/// A computation that was asked for just now: its result, or the promise of it.
pub(crate) struct Computed;

impl IntoResponses for Computed {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let done = described("The result")
            .content("application/json", computation())
            .content("text/plain", Content::new(Some(Object::with_type(Type::String))))
            .header("Cache-Status", text("Where the result came from (RFC 9211)."))
            .header("ETag", text("Of the forms by GET; strong if the answer is the bare digits."));
        let promised = described("Accepted, but there is no result yet: ask for it at `Location`")
            .content("application/json", computation())
            .header("Location", text("Where the result will be."))
            .header("Retry-After", text("Seconds after which asking makes sense."));
        [("200", done), ("202", promised)]
            .map(|(status, response)| (status.to_owned(), response.build().into()))
            .into()
    }
}

fn described(what: &str) -> ResponseBuilder {
    ResponseBuilder::new()
        .description(what)
        .header("X-Request-Id", text("The id of the request."))
        .header("traceparent", text("The trace that the request is part of."))
        .header("Server-Timing", text("What took how long, in milliseconds."))
        .header("Preference-Applied", text("The preferences that were honoured."))
        .header("Idempotency-Replayed", text("`true` if the key stood for this request before."))
        .header("Idempotency-Expires", text("Until when the key stands for this request."))
}

fn computation() -> Content {
    Content::new(Some(Ref::from_schema_name("Computation")))
}

/// Answers to conditional and partial requests.
pub(crate) struct Conditional;

impl IntoResponses for Conditional {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let digits = Content::new(Some(Object::with_type(Type::String)));
        let part = ResponseBuilder::new()
            .description("A part of the bare digits")
            .content("text/plain", digits)
            .header("Content-Range", text("Which bytes these are, and of how many."));
        let known = ResponseBuilder::new().description("The caller has it");
        BTreeMap::from([
            ("206".to_owned(), part.build().into()),
            ("304".to_owned(), known.build().into()),
            ("416".to_owned(), response(StatusCode::RANGE_NOT_SATISFIABLE).into()),
        ])
    }
}
