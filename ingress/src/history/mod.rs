//! Lists of past computations, from the request log.

use utoipa_axum::router::OpenApiRouter;

use crate::state::Shared;

/// Everybody's own, and all of them for administrators.
pub(crate) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
}
