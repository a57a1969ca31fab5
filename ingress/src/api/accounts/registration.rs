//! `POST /v1/register`.

use abacus_http::edge::proxies::ClientAddress;
use abacus_identity::{Password, Registration, Role, UserName};
use abacus_runtime::SecretString;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::{Input, non_null};
use super::respond;
use crate::api::caller::{RequestSource, credentials};
use crate::api::state::Shared;
use crate::problems::{Failure, On};
use crate::quotas::Ledger;

/// A request for an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Registration)]
pub(super) struct RegistrationRequest {
    /// Letters, digits, dots, underscores and hyphens; capital letters become small ones. The name
    /// never changes.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{2,63}$", example = "ada")]
    username: String,
    /// At least 8 characters, and not a common password.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 1024,
             example = "correct horse battery")]
    password: Password,
    /// `user` by default. Only administrators make administrators.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false)]
    role: Option<Role>,
    /// One-time token for registering the first administrator, from the server's settings.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(format = Password, nullable = false)]
    bootstrap_token: Option<String>,
}

/// The new account.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered {
    #[schema(example = "ada")]
    username: String,
    role: Role,
}

/// Make an account
///
/// Every caller may make an account with the role `user`, unless the registration policy allows
/// only administrators. `role: "admin"` needs the session of an administrator, not an API key, or
/// the bootstrap token while no administrator exists. Also at `/register`.
#[utoipa::path(
    post, path = "/v1/register", tag = "accounts", operation_id = "register",
    security((), ("bearer" = [])),
    request_body = RegistrationRequest,
    responses(
        (status = 201, description = "The account exists; sign in next", body = Registered),
        On<400>, On<401>, On<403>, On<409>, On<413>, On<415>, On<422>,
        On<429>, On<503>,
    )
)]
pub(super) async fn register(
    State(state): State<Shared>,
    RequestSource { from, ledger }: RequestSource,
    headers: HeaderMap,
    Input(body): Input<RegistrationRequest>,
) -> Result<Response, Failure> {
    let role = body.role.unwrap_or(Role::User);
    let registered = try_register(&state, (from, &ledger), &headers, body, role).await;
    state.identity.count_registration(&registered);
    let username = registered?.as_str().to_owned();
    Ok(respond::json(StatusCode::CREATED, Registered { username, role }))
}

async fn try_register(
    state: &Shared,
    (from, ledger): (ClientAddress, &Ledger),
    headers: &HeaderMap,
    body: RegistrationRequest,
    role: Role,
) -> Result<UserName, Failure> {
    state.quotas.admit_unauthenticated(from, ledger).await?;
    let name = UserName::parse(&body.username)?;
    let by = state.identity.user(credentials(headers)).await?;
    let RegistrationRequest { password, bootstrap_token, .. } = body;
    let bootstrap_token = bootstrap_token.map(SecretString::from);
    let registration = Registration { name, password, role, bootstrap_token };
    Ok(state.identity.register(registration, by.as_ref(), from.0).await?)
}
