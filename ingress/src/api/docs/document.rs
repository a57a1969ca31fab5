//! `GET /openapi.json`.
//!
//! `openapi.json` beside this crate's manifest is a copy for use without a server. A test compares
//! the copy with the served document.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::Path as _;
use utoipa::openapi::path::{HttpMethod, PathItem, Paths, PathsBuilder};
use utoipa::openapi::{OpenApi, OpenApiVersion};

use crate::api::state::Shared;

/// Path of the document.
pub(super) const PATH: &str = "/openapi.json";

/// The document as bytes.
#[derive(Clone)]
struct Document(Bytes);

/// This document
///
/// The whole API in `OpenAPI` 3.1; `/docs` shows the document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenApi",
    responses((
        status = 200,
        description = "The document",
        body = Object,
        content_type = "application/json",
    ))
)]
async fn show(State(document): State<Document>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], document.0)
}

/// Describes the path of the document.
pub(super) fn paths() -> Paths {
    let mut described = __path_show::operation();
    described.tags = Some(vec!["about".to_owned()]);
    PathsBuilder::new().path(PATH, PathItem::new(HttpMethod::Get, described)).build()
}

/// Serves `api`, serialized once.
pub(super) fn routes(api: &OpenApi) -> Router<Shared> {
    Router::new().route(PATH, get(show)).with_state(Document(write(api).into()))
}

fn write(api: &OpenApi) -> String {
    debug_assert!(matches!(api.openapi, OpenApiVersion::Version31));
    api.to_pretty_json().unwrap_or_default()
}

#[cfg(test)]
mod tests;
