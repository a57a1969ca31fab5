//! The caller's API keys.

use abacus_identity::{ApiKeyEntry, Caller, Session, User};
use abacus_runtime::ExposeSecret as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::input::Input;
use super::respond;
use crate::api::caller::RequestSource;
use crate::api::path::{TextPath, read_path};
use crate::api::state::Shared;
use crate::problems::{Failure, On};
use crate::quotas::Client;

/// A request for an API key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyRequest {
    /// Purpose of the key.
    #[schema(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]{1,100}$", example = "nightly report")]
    label: String,
}

/// A new API key.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyCreated {
    id: Uuid,
    #[schema(example = "nightly report")]
    label: String,
    /// The key, shown only here. Send the key as `Authorization: Bearer KEY`.
    key: String,
}

/// The caller's API keys.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyList {
    api_keys: Vec<ApiKeyEntry>,
}

/// List your API keys
#[utoipa::path(
    get, path = "/v1/api-keys", tag = "API keys", operation_id = "listApiKeys",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The valid keys, the oldest first", body = KeyList),
        On<401>, On<429>, On<503>,
    )
)]
pub(super) async fn list(
    State(state): State<Shared>,
    RequestSource { from, ledger }: RequestSource,
    user: User,
) -> Result<Response, Failure> {
    let client = Client::new(Caller::User(user.clone()), from, ledger);
    state.quotas.admit_read(&client).await?;
    let api_keys = state.identity.keys(&user).await?;
    Ok(respond::json(StatusCode::OK, KeyList { api_keys }))
}

/// Make an API key
///
/// For programs: a key acts for your account until revoked. The key is shown once. Needs a session:
/// a key cannot make keys.
#[utoipa::path(
    post, path = "/v1/api-keys", tag = "API keys", operation_id = "createApiKey",
    security(("bearer" = [])),
    request_body = KeyRequest,
    responses(
        (status = 201, description = "The key", body = KeyCreated),
        On<400>, On<401>, On<403>, On<409>, On<412>, On<413>, On<415>, On<422>,
        On<429>, On<503>,
    )
)]
pub(super) async fn create(
    State(state): State<Shared>,
    RequestSource { from, ledger }: RequestSource,
    session: Session,
    Input(body): Input<KeyRequest>,
) -> Result<Response, Failure> {
    state.quotas.admit_change(&session.name, &ledger).await?;
    let key = state.identity.create_key(&session, body.label, from.0).await?;
    let text = key.text.expose_secret().to_owned();
    let created = KeyCreated { id: key.id, label: key.label, key: text };
    Ok(respond::json(StatusCode::CREATED, created))
}

/// Revoke an API key
///
/// Every instance refuses the key within two seconds.
#[utoipa::path(
    delete, path = "/v1/api-keys/{id}", tag = "API keys", operation_id = "revokeApiKey",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "Id of the key")),
    responses(
        (status = 204, description = "The key is revoked"),
        On<400>, On<401>, On<404>, On<412>, On<429>, On<503>,
    )
)]
pub(super) async fn revoke(
    State(state): State<Shared>,
    RequestSource { from, ledger }: RequestSource,
    user: User,
    path: TextPath,
) -> Result<Response, Failure> {
    let id = read_path(path)?;
    state.quotas.admit_change(&user.name, &ledger).await?;
    state.identity.revoke_key(&user, &id, from.0).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
