//! The routes of identity.

mod admin;
mod keys;
mod password;
mod register;
mod sessions;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Shared;

/// Everything about accounts. Signing up, in and out is there without the version too, as people
/// expect it.
pub(crate) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(sessions::login))
        .routes(routes!(sessions::logout))
        .routes(routes!(sessions::me))
        .routes(routes!(password::change))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(admin::list_users))
        .routes(routes!(admin::change_user))
        .routes(routes!(admin::end_sessions))
        .routes(routes!(admin::list_audit))
        .route("/register", post(register::register))
        .route("/login", post(sessions::login))
        .route("/logout", post(sessions::logout))
}

/// An answer about accounts or credentials, which nobody is to keep.
fn answer(status: StatusCode, body: impl Serialize) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
