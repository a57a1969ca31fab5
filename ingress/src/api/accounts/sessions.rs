//! Signing in and out, and the caller's own account.

use abacus_http::edge::proxies::ClientAddress;
use abacus_identity::{Credential, Password, Role, Session, User};
use abacus_runtime::ExposeSecret as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::Input;
use super::respond;
use crate::api::caller::RequestSource;
use crate::api::state::Shared;
use crate::problems::{Failure, On};

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    #[schema(example = "ada")]
    username: String,
    #[schema(value_type = String, format = Password, example = "correct horse battery")]
    password: Password,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn {
    /// Send the token as `Authorization: Bearer TOKEN`.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the session ends by itself.
    #[schema(example = 900)]
    expires_in: u64,
    #[schema(example = "ada")]
    username: String,
    role: Role,
}

/// The caller's account and credential.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    #[schema(example = "ada")]
    username: String,
    role: Role,
    /// Kind of the caller's credential.
    credential: CredentialKind,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum CredentialKind {
    Session,
    ApiKey,
}

/// Sign in
///
/// Returns a token for a session. A wrong name and a wrong password get the same answer. Also at
/// `/login`.
#[utoipa::path(
    post, path = "/v1/login", tag = "accounts", operation_id = "login", security(()),
    request_body = Login,
    responses(
        (status = 200, description = "A session", body = LoggedIn),
        On<400>, On<401>, On<403>, On<413>, On<415>, On<422>, On<429>,
        On<503>,
    )
)]
pub(super) async fn login(
    State(state): State<Shared>,
    RequestSource { from, ledger }: RequestSource,
    Input(body): Input<Login>,
) -> Result<Response, Failure> {
    state.quotas.admit_attempt(from, &body.username, &ledger).await?;
    let session = state.identity.sign_in(&body.username, body.password, from.0).await?;
    let session = LoggedIn {
        access_token: session.token.expose_secret().to_owned(),
        token_type: "Bearer",
        expires_in: session.lifetime.as_secs(),
        username: session.username,
        role: session.role,
    };
    Ok(respond::json(StatusCode::OK, session))
}

/// Sign out
///
/// Ends the session of the request's token, on every instance within two seconds. Also at
/// `/logout`.
#[utoipa::path(
    post, path = "/v1/logout", tag = "accounts", operation_id = "logout",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The session has ended"),
        On<401>, On<403>, On<412>, On<503>,
    )
)]
pub(super) async fn logout(
    State(state): State<Shared>,
    from: ClientAddress,
    session: Session,
) -> Result<Response, Failure> {
    state.identity.sign_out(&session, from.0).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Show your account
#[utoipa::path(
    get, path = "/v1/me", tag = "accounts", operation_id = "me", security(("bearer" = [])),
    responses(
        (status = 200, description = "The account of the credentials", body = Me),
        On<401>, On<503>,
    )
)]
pub(super) async fn me(user: User) -> Response {
    let credential = match user.credential {
        Credential::Session(_) => CredentialKind::Session,
        Credential::ApiKey(_) => CredentialKind::ApiKey,
    };
    let me = Me { username: user.name.to_string(), role: user.role, credential };
    respond::json(StatusCode::OK, me)
}
