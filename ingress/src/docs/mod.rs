//! What the service says about itself: the index page, the `OpenAPI` document, its browser, and a page
//! for each problem.

use axum::Router;
use utoipa::openapi::OpenApi;

use crate::state::Shared;

/// The pages. `api` is what the routers collected.
pub(crate) fn routes(_api: OpenApi) -> Router<Shared> {
    Router::new()
}
