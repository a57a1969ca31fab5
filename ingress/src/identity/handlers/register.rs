//! `POST /v1/register`: a new account.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::audit::{Act, Event};
use super::super::caller::{Role, User};
use super::super::config::Registrars;
use super::super::input::{Input, given};
use super::super::name::UserName;
use super::super::password::Password;
use super::super::store::{Leave, NewAccount};
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

/// Make an account
///
/// Everybody may make an account of the role `user`, unless the server is set up so that only
/// administrators do. `role: "admin"` needs the credentials of an
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
    let by = identity.user(headers).await?;
    let leave = match identity.leave(by.as_ref(), role, asked.bootstrap_token.as_deref()) {
        Err(error @ (Error::RoleNotAllowed | Error::RegistrationClosed)) => {
            identity.store.record(&event.refused(error.class().code)).await?;
            return Err(error.into());
        }
        leave => leave?,
    };
    asked.password.check(&name)?;
    let hash = identity.hasher.hash(asked.password).await?;
    let new = NewAccount { name: &name, role, password_hash: &hash, leave };
    let event = match (leave, &by) {
        (Leave::Bootstrap(_), _) => event.with("as admin, by the bootstrap token"),
        (_, Some(by)) => event.by(&by.name),
        (_, None) => event,
    };
    identity.store.create(&new, &event.on(name.as_str())).await?;
    Ok(Registered { username: name.as_str().to_owned(), role })
}

impl Identity {
    /// By what `by` may make an account of `role`, if they may.
    fn leave(&self, by: Option<&User>, role: Role, token: Option<&str>) -> Result<Leave, Error> {
        match (role, by) {
            (_, Some(by)) if by.role == Role::Admin => Ok(Leave::Administrator),
            (Role::User, _) if self.registrars == Registrars::Everybody => Ok(Leave::Everybody),
            (_, Some(_)) if !self.knows_administrators() => Err(Error::Stale),
            (Role::User, _) => Err(Error::RegistrationClosed),
            (Role::Admin, _) => token
                .and_then(|token| self.bootstrap.check(token))
                .map(Leave::Bootstrap)
                .ok_or(Error::RoleNotAllowed),
        }
    }
}
