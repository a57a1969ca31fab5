//! What the service says about itself: the index page, the `OpenAPI` document, its browser, and a page
//! for each problem.
//!
//! **Invariant:** nothing here comes from another host, and no page needs a script but the browser of
//! the API. Everything is written once, at the start, from the tables that the service works by.

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

use crate::state::Shared;

pub(crate) use api::base;
pub(crate) use operations::{NewComputation, by_path, by_query};

/// The pages that the document describes too.
pub(crate) fn pages() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(index::show))
        .routes(routes!(problems::list))
        .routes(routes!(problems::show))
}

/// The document, and its browser. `api` is what the routers collected.
pub(crate) fn routes(api: OpenApi) -> Router<Shared> {
    document::routes(&api::finish(api)).merge(swagger::routes())
}
