//! `PUT /v1/me/password`.

use abacus_identity::{Password, Session};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::input::Input;
use crate::api::caller::RequestSource;
use crate::api::state::Shared;
use crate::problems::{Failure, On};

/// The current and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    #[schema(value_type = String, format = Password)]
    current_password: Password,
    /// At least 8 characters, and not a common password.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 1024)]
    new_password: Password,
}

/// Change the password
///
/// Ends all sessions of the account except the session of the request. API keys stay valid: revoke
/// keys that may have leaked.
#[utoipa::path(
    put, path = "/v1/me/password", tag = "accounts", operation_id = "changePassword",
    security(("bearer" = [])),
    request_body = PasswordChange,
    responses(
        (status = 204, description = "The new password is set"),
        On<400>, On<401>, On<403>, On<412>, On<413>, On<415>, On<422>, On<429>,
        On<503>,
    )
)]
pub(super) async fn change(
    State(state): State<Shared>,
    RequestSource { from, ledger }: RequestSource,
    session: Session,
    Input(body): Input<PasswordChange>,
) -> Result<Response, Failure> {
    state.quotas.admit_attempt(from, &session.name, &ledger).await?;
    let PasswordChange { current_password, new_password } = body;
    state.identity.change_password(&session, current_password, new_password, from.0).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
