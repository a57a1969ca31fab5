//! Handlers for accounts, sessions and API keys. The rules are in `abacus-identity`.

mod administration;
mod input;
mod keys;
mod password;
mod registration;
mod respond;
mod sessions;

use axum::routing::post;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::Shared;

/// Returns all routes of accounts. Registration, sign-in and sign-out also have paths without the
/// version.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(registration::register))
        .routes(routes!(sessions::login))
        .routes(routes!(sessions::logout))
        .routes(routes!(sessions::me))
        .routes(routes!(password::change))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(administration::list_users))
        .routes(routes!(administration::change_user))
        .routes(routes!(administration::end_sessions))
        .routes(routes!(administration::list_audit))
        .route("/register", post(registration::register))
        .route("/login", post(sessions::login))
        .route("/logout", post(sessions::logout))
}

#[cfg(test)]
mod tests;
