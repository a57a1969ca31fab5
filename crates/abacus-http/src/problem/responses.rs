//! Problems in the `OpenAPI` document. A handler lists `On<422>` among the responses.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::IntoResponses;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::{Content, Object, Ref, RefOr, Type};

use super::document::MEDIA_TYPE;

/// The response of every problem with this status.
pub struct On<const STATUS: u16>;

impl<const STATUS: u16> IntoResponses for On<STATUS> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let status = StatusCode::from_u16(STATUS).unwrap_or_default();
        BTreeMap::from([(STATUS.to_string(), response(status).into())])
    }
}

/// Describes a problem with this status.
pub fn response(status: StatusCode) -> Response {
    let schema = Content::new(Some(Ref::from_schema_name("Problem")));
    let mut response = ResponseBuilder::new()
        .description(description(status))
        .content(MEDIA_TYPE.to_str().unwrap_or_default(), schema)
        .header("X-Request-Id", text("Id of the request, if the request has one."));
    if let Some((name, header)) = header(status) {
        response = response.header(name, header);
    }
    response.build()
}

fn description(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or("A problem");
    let number = status.as_u16();
    format!("{reason}: one of the [problems with this status](/problems#{number}).")
}

fn header(status: StatusCode) -> Option<(&'static str, Header)> {
    match status {
        StatusCode::UNAUTHORIZED => {
            Some(("WWW-Authenticate", text("The scheme to use: `Bearer`.")))
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Some(("Accept-Encoding", text("`identity`, after a body with a content coding.")))
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let seconds = Object::with_type(Type::Integer);
            let meaning = "Seconds after which to try again.";
            let header = HeaderBuilder::new().schema(Some(seconds)).description(Some(meaning));
            Some(("Retry-After", header.build()))
        }
        _ => None,
    }
}

/// Describes a header with a text.
pub fn text(meaning: &str) -> Header {
    let schema = Object::with_type(Type::String);
    HeaderBuilder::new().schema(Some(schema)).description(Some(meaning)).build()
}
