//! `PUT /v1/me/password`: another password.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::Error;
use super::super::audit::{Act, Event};
use super::super::error::Fault;
use super::super::input::Input;
use super::super::name::UserName;
use super::super::password::{Password, Verdict};
use super::super::tokens::Session;
use crate::problem::Failure;
use crate::problem::On;
use crate::protection::ClientAddress;
use crate::state::Shared;

/// The old password and the new one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    #[schema(value_type = String, format = Password)]
    current_password: Password,
    /// At least 8 characters, and none of the passwords that everybody takes.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 1024)]
    new_password: Password,
}

/// Change the password
///
/// Ends all other sessions of the account. API keys stay: revoke those that may have leaked.
#[utoipa::path(
    put, path = "/v1/me/password", tag = "accounts", operation_id = "changePassword",
    security(("bearer" = [])),
    request_body = PasswordChange,
    responses(
        (status = 204, description = "The new password is set"),
        On<400>, On<401>, On<403>, On<413>, On<415>, On<422>, On<429>,
        On<503>,
    )
)]
pub(crate) async fn change(
    State(state): State<Shared>,
    from: ClientAddress,
    session: Session,
    Input(asked): Input<PasswordChange>,
) -> Result<Response, Failure> {
    let identity = &state.identity;
    state.protection.admit_attempt(from, &session.name).await?;
    asked.new_password.check(&UserName::parse(&session.name)?)?;
    let account = identity.store.find(&session.name).await?;
    let account = account
        .filter(|account| !account.is_disabled)
        .ok_or(Error::InvalidCredentials(Fault::Ended))?;
    let event = Event::new(Act::ChangePassword, from.0).by(&session.name).on(&session.name);
    let stored = Some(account.password_hash.as_str());
    if identity.hasher.verify(asked.current_password, stored).await? == Verdict::Wrong {
        identity.store.record(&event.refused("wrong-password")).await?;
        return Err(Error::WrongPassword.into());
    }
    let hash = identity.hasher.hash(asked.new_password).await?;
    let ended = identity.store.set_password(&account, &hash, &session, &event).await?;
    identity.revocations.apply([ended]);
    Ok(StatusCode::NO_CONTENT.into_response())
}
