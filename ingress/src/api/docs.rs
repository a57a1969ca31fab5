//! The description of the service: the index page, the `OpenAPI` document, Swagger UI, and a page for each problem.
//!
//! **Invariant:** no page loads anything from another host, and only Swagger UI needs a script. All content comes from
//! the tables that the service itself uses.

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

/// The pages that the `OpenAPI` document describes.
pub(super) fn pages() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(index::show))
        .routes(routes!(problems::list))
        .routes(routes!(problems::show))
}

/// The `OpenAPI` document, and Swagger UI. `api` has the paths of all routers.
pub(super) fn routes(api: OpenApi) -> Router<Shared> {
    document::routes(&api::finish(api)).merge(swagger::routes())
}
