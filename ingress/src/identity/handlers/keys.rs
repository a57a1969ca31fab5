//! The API keys of the caller.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::Error;
use super::super::api_keys::NewApiKey;
use super::super::audit::{Act, Event};
use super::super::caller::User;
use super::super::input::Input;
use super::super::store::KeyEntry;
use super::super::tokens::Session;
use super::answer;
use crate::error::Error as Problem;
use crate::problem::Failure;
use crate::problem::On;
use crate::protection::ClientAddress;
use crate::state::Shared;

const LONGEST_LABEL: usize = 100;

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRequest {
    /// What the key is for, to tell it from others.
    #[schema(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]{1,100}$", example = "nightly report")]
    label: String,
}

/// A key that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyCreated {
    id: Uuid,
    #[schema(example = "nightly report")]
    label: String,
    /// The key itself, shown here and never again; to be sent as `Authorization: Bearer KEY`.
    key: String,
}

/// The caller's keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyList {
    api_keys: Vec<KeyEntry>,
}

/// List your API keys
#[utoipa::path(
    get, path = "/v1/api-keys", tag = "API keys", operation_id = "listApiKeys",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The keys that are good, the oldest first", body = KeyList),
        On<401>, On<503>,
    )
)]
pub(crate) async fn list(State(state): State<Shared>, user: User) -> Result<Response, Failure> {
    let api_keys = state.identity.store.keys_of(user.id).await?;
    Ok(answer(StatusCode::OK, KeyList { api_keys }))
}

/// Make an API key
///
/// For programs: a key acts as your account until it is revoked. It is shown once. Needs a session:
/// a key makes no keys.
#[utoipa::path(
    post, path = "/v1/api-keys", tag = "API keys", operation_id = "createApiKey",
    security(("bearer" = [])),
    request_body = KeyRequest,
    responses(
        (status = 201, description = "The key", body = KeyCreated),
        On<400>, On<401>, On<403>, On<409>, On<413>, On<415>, On<422>,
        On<429>, On<503>,
    )
)]
pub(crate) async fn create(
    State(state): State<Shared>,
    from: ClientAddress,
    session: Session,
    Input(asked): Input<KeyRequest>,
) -> Result<Response, Failure> {
    let identity = &state.identity;
    state.protection.admit_change(&session.name).await?;
    let label = asked.label;
    if !(1..=LONGEST_LABEL).contains(&label.chars().count()) || label.chars().any(char::is_control)
    {
        return Err(Error::MalformedLabel.into());
    }
    let key = NewApiKey::generate().map_err(Error::Internal)?;
    let event = Event::new(Act::CreateKey, from.0).by(&session.name).on(&session.name);
    identity.store.add_key(session.user_id, &key, &label, &event.with(key.id.to_string())).await?;
    Ok(answer(StatusCode::CREATED, KeyCreated { id: key.id, label, key: key.text }))
}

/// Revoke an API key
///
/// It is refused by every instance within two seconds.
#[utoipa::path(
    delete, path = "/v1/api-keys/{id}", tag = "API keys", operation_id = "revokeApiKey",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The id of the key")),
    responses(
        (status = 204, description = "The key is revoked"),
        On<400>, On<401>, On<404>, On<429>, On<503>,
    )
)]
pub(crate) async fn revoke(
    State(state): State<Shared>,
    from: ClientAddress,
    user: User,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Failure> {
    let Path(given) = path.map_err(|rejection| Problem::MalformedUrl(rejection.body_text()))?;
    state.protection.admit_change(&user.name).await?;
    let id = Uuid::parse_str(&given).map_err(|_| Error::NoSuchKey { id: given })?;
    let event = Event::new(Act::RevokeKey, from.0).by(&user.name).on(&user.name);
    let event = event.with(id.to_string());
    let revocation = state.identity.store.revoke_key(user.id, id, &event).await?;
    state.identity.revocations.apply([revocation]);
    Ok(StatusCode::NO_CONTENT.into_response())
}
