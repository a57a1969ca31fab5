//! `POST /v1/register`: a new account.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::audit::{Act, Event};
use super::super::caller::Role;
use super::super::input::{Input, given};
use super::super::name::UserName;
use super::super::password::Password;
use super::super::store::NewAccount;
use super::super::{Error, Identity};
use super::answer;
use crate::problem::Failure;
use crate::problem::On;
use crate::protection::ClientAddress;
use crate::state::Shared;

/// An account to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    /// Letters, digits, dots, underscores and hyphens; capitals are taken for small letters. It never
    /// changes.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{2,63}$", example = "ada")]
    username: String,
    /// At least 8 characters, and none of the passwords that everybody takes.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 1024,
             example = "correct horse battery")]
    password: Password,
    /// `user` if left out. Only administrators make administrators.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    role: Option<Role>,
    /// Instead of an administrator's credentials, while there is no administrator yet: what the
    /// server was started with. It works once.
    #[serde(default, deserialize_with = "given")]
    #[schema(format = Password, nullable = false)]
    bootstrap_token: Option<String>,
}

/// The account that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct Registered {
    #[schema(example = "ada")]
    username: String,
    role: Role,
}

/// By what somebody may make an account of the role they ask for.
enum Leave {
    ForAUser { by: Option<String> },
    ByAdministrator(String),
    ByBootstrap([u8; 32]),
}

/// Make an account
///
/// Everybody may make an account of the role `user`. `role: "admin"` needs the credentials of an
/// administrator, or the bootstrap token while there is no administrator. Also at `/register`.
#[utoipa::path(
    post, path = "/v1/register", tag = "accounts", operation_id = "register",
    security((), ("bearer" = [])),
    request_body = Registration,
    responses(
        (status = 201, description = "The account is made; sign in next", body = Registered),
        On<400>, On<401>, On<403>, On<409>, On<413>, On<415>, On<422>,
        On<429>, On<503>,
    )
)]
pub(crate) async fn register(
    State(state): State<Shared>,
    from: ClientAddress,
    headers: HeaderMap,
    Input(asked): Input<Registration>,
) -> Result<Response, Failure> {
    let outcome = try_register(&state, from, &headers, asked).await;
    let label = if outcome.is_ok() { "succeeded" } else { "refused" };
    state.identity.metrics.registrations.with_label_values(&[label]).inc();
    let registered = outcome?;
    Ok(answer(StatusCode::CREATED, registered))
}

async fn try_register(
    state: &Shared,
    from: ClientAddress,
    headers: &HeaderMap,
    asked: Registration,
) -> Result<Registered, Failure> {
    let identity = &state.identity;
    state.protection.admit_stranger(from).await?;
    let name = UserName::parse(&asked.username)?;
    let role = asked.role.unwrap_or(Role::User);
    let event = Event::new(Act::Register, from.0);
    let leave = identity.leave(headers, role, asked.bootstrap_token.as_deref()).await;
    if matches!(leave, Err(Error::RoleNotAllowed)) {
        identity.store.record(&event.clone().refused("role-not-allowed")).await?;
    }
    let leave = leave?;
    asked.password.check(&name)?;
    let hash = identity.hasher.hash(asked.password).await?;
    let bootstrap = leave.bootstrap();
    let new = NewAccount { name: &name, role, password_hash: &hash, bootstrap };
    let event = match &leave {
        Leave::ForAUser { by: None } => event,
        Leave::ForAUser { by: Some(actor) } | Leave::ByAdministrator(actor) => event.by(actor),
        Leave::ByBootstrap(_) => event.with("as admin, by the bootstrap token"),
    };
    identity.store.create(&new, &event.on(name.as_str())).await?;
    Ok(Registered { username: name.as_str().to_owned(), role })
}

impl Leave {
    fn bootstrap(&self) -> Option<[u8; 32]> {
        match self {
            Self::ByBootstrap(token) => Some(*token),
            Self::ForAUser { .. } | Self::ByAdministrator(_) => None,
        }
    }
}

impl Identity {
    /// Whether somebody may make an account of `role`.
    async fn leave(
        &self,
        headers: &HeaderMap,
        role: Role,
        bootstrap_token: Option<&str>,
    ) -> Result<Leave, Error> {
        let by = self.user(headers).await?;
        match (role, by) {
            (Role::User, by) => Ok(Leave::ForAUser { by: by.map(|by| by.name.to_string()) }),
            (Role::Admin, Some(by)) if by.role == Role::Admin => {
                Ok(Leave::ByAdministrator(by.name.to_string()))
            }
            (Role::Admin, Some(_)) if !self.knows_administrators() => Err(Error::Stale),
            (Role::Admin, _) => bootstrap_token
                .and_then(|token| self.bootstrap.check(token))
                .map(Leave::ByBootstrap)
                .ok_or(Error::RoleNotAllowed),
        }
    }
}
