//! Pages about the service: the index, the `OpenAPI` document, Swagger UI, and a page for each
//! problem type.
//!
//! **Invariants:** no page loads a file from another host, and only Swagger UI needs a script. All
//! content comes from the tables of the running service.

mod api;
mod document;
mod html;
mod index;
mod operations;
mod problems;
mod swagger;

use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::Shared;

pub(super) use api::base;
pub(super) use operations::{NewComputation, by_path, by_query};

/// Returns the pages described by the `OpenAPI` document.
pub(super) fn pages() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(index::show))
        .routes(routes!(problems::list))
        .routes(routes!(problems::show))
}

/// Returns the routes of the `OpenAPI` document and of Swagger UI. `api` has the paths of all
/// routers.
pub(super) fn routes(api: OpenApi) -> Router<Shared> {
    document::routes(&api::finish(api)).merge(swagger::routes())
}
