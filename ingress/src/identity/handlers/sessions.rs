//! Signing in and out, and who one is.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::audit::{Act, Event};
use super::super::caller::{Credential, Role, User};
use super::super::input::Input;
use super::super::name::UserName;
use super::super::password::{Password, Verdict};
use super::super::store::Account;
use super::super::tokens::Session;
use super::super::{Error, Identity};
use super::answer;
use crate::problem::Failure;
use crate::problem::On;
use crate::protection::ClientAddress;
use crate::state::Shared;

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    #[schema(example = "ada")]
    username: String,
    #[schema(value_type = String, format = Password, example = "correct horse battery")]
    password: Password,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(crate) struct LoggedIn {
    /// To be sent as `Authorization: Bearer TOKEN`.
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

/// Who one is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    #[schema(example = "ada")]
    username: String,
    role: Role,
    /// By what one is known.
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
/// Gives a token for a session. A wrong name and a wrong password are answered alike. Also at
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
pub(crate) async fn login(
    State(state): State<Shared>,
    from: ClientAddress,
    Input(asked): Input<Login>,
) -> Result<Response, Failure> {
    state.protection.admit_attempt(from, &asked.username).await?;
    let identity = &state.identity;
    let event = Event::new(Act::Login, from.0);
    let found = match UserName::parse(&asked.username) {
        Ok(name) => identity.store.find(name.as_str()).await?,
        // It is nobody's, and told like any other name that is.
        Err(_) => None,
    };
    let event = match &found {
        Some(account) => event.on(&account.name),
        None => event,
    };
    let account = match identity.check_password(found.as_ref(), asked.password).await {
        Ok(account) => account,
        Err(error) => {
            identity.refuse_login(&event, &error).await?;
            return Err(error.into());
        }
    };
    let (role, generation) = (account.role, account.generation);
    let token = identity.tokens.issue(account.user_id, &account.name, role, generation);
    let access_token = token.map_err(Error::Internal)?;
    identity.store.record(&event.by(&account.name)).await?;
    identity.metrics.logins.with_label_values(&["succeeded"]).inc();
    let expires_in = identity.tokens.lifetime().as_secs();
    let username = account.name.clone();
    let session = LoggedIn { access_token, token_type: "Bearer", expires_in, username, role };
    Ok(answer(StatusCode::OK, session))
}

/// Sign out
///
/// Ends the session of the token that is sent, on every instance within two seconds. Also at
/// `/logout`.
#[utoipa::path(
    post, path = "/v1/logout", tag = "accounts", operation_id = "logout",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The session is over"),
        On<401>, On<403>, On<503>,
    )
)]
pub(crate) async fn logout(
    State(state): State<Shared>,
    from: ClientAddress,
    session: Session,
) -> Result<Response, Failure> {
    let identity = &state.identity;
    let event = Event::new(Act::Logout, from.0).by(&session.name).on(&session.name);
    let revocation = identity.store.end_session(&session, &event).await?;
    identity.revocations.apply([revocation]);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Who am I?
#[utoipa::path(
    get, path = "/v1/me", tag = "accounts", operation_id = "me", security(("bearer" = [])),
    responses(
        (status = 200, description = "The account that the credentials are of", body = Me),
        On<401>, On<503>,
    )
)]
pub(crate) async fn me(user: User) -> Response {
    let credential = match user.credential {
        Credential::Session(_) => CredentialKind::Session,
        Credential::ApiKey(_) => CredentialKind::ApiKey,
    };
    answer(StatusCode::OK, Me { username: user.name.to_string(), role: user.role, credential })
}

impl Identity {
    /// The account, if the password is its own and it is not disabled. Takes as long for none.
    async fn check_password<'a>(
        &self,
        found: Option<&'a Account>,
        password: Password,
    ) -> Result<&'a Account, Error> {
        let stored = found.map(|account| account.password_hash.as_str());
        let verdict = self.hasher.verify(password.clone(), stored).await?;
        let account = found.filter(|_| verdict != Verdict::Wrong).ok_or(Error::WrongCredentials)?;
        if account.is_disabled {
            return Err(Error::AccountDisabled);
        }
        if verdict == Verdict::RightButOutdated {
            let hash = self.hasher.hash(password).await?;
            self.store.rehash(account, &hash).await?;
        }
        Ok(account)
    }

    async fn refuse_login(&self, event: &Event<'_>, error: &Error) -> Result<(), Error> {
        let label = match error {
            Error::WrongCredentials => "refused",
            Error::AccountDisabled => "disabled",
            _ => return Ok(()),
        };
        self.metrics.logins.with_label_values(&[label]).inc();
        self.store.record(&event.clone().refused(error.class().code)).await
    }
}
