//! The caller of a request, and the extractors by which handlers say whom they serve: [`Caller`]
//! for everybody that the settings let in, [`User`] for those who signed in, [`Admin`].

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Error;
use super::tokens::Session;
use crate::problem::Failure;
use crate::protection::ClientAddress;
use crate::state::Shared;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nobody in particular; only where anonymous computing is on.
    Anonymous,
    User(User),
}

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    /// The account's name. It never changes and is never given away again: requests are recorded
    /// under it.
    pub(crate) name: Arc<str>,
    pub(crate) role: Role,
    pub(crate) credential: Credential,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Computes, and reads what is their own.
    User,
    /// Reads everything, and manages accounts.
    Admin,
}

/// By what a user is known to be who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// A token from signing in, by its `jti`.
    Session(Uuid),
    /// An API key, by its id.
    ApiKey(Uuid),
}

/// A user with the role for it.
#[derive(Clone, Debug)]
pub(crate) struct Admin(pub(crate) User);

impl Caller {
    /// The name that requests are recorded under; `None` if anonymous.
    pub(crate) fn requester(&self) -> Option<&str> {
        match self {
            Self::Anonymous => None,
            Self::User(user) => Some(&user.name),
        }
    }

    /// Whether a request recorded under `requester` is this caller's to read. Requests of nobody are
    /// for everybody who knows their id, where anonymous callers are let in at all.
    pub(crate) fn may_read(&self, requester: Option<&str>) -> bool {
        match self {
            Self::Anonymous => requester.is_none(),
            Self::User(user) => user.role == Role::Admin || requester == Some(&*user.name),
        }
    }
}

impl Role {
    /// The name, as in JSON and in the database.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

impl<'de> Deserialize<'de> for Role {
    /// From a string and nothing else: the derived form reads an array as malformed JSON.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let role = [Self::User, Self::Admin].into_iter().find(|role| role.name() == name);
        role.ok_or_else(|| serde::de::Error::custom("a role is `user` or `admin`"))
    }
}

/// A key that is not known here costs a question to Postgres, and whoever makes keys up can make up
/// many: the address pays for it.
async fn admit_look_up(parts: &mut Parts, state: &Shared) -> Result<(), Failure> {
    if state.identity.must_look_up(&parts.headers) {
        let Ok(from) = ClientAddress::from_request_parts(parts, state).await;
        state.protection.admit_stranger(from).await?;
    }
    Ok(())
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Failure> {
        admit_look_up(parts, state).await?;
        Ok(state.identity.identify(&parts.headers).await?)
    }
}

impl FromRequestParts<Shared> for User {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Failure> {
        match Caller::from_request_parts(parts, state).await? {
            Caller::User(user) => Ok(user),
            Caller::Anonymous => Err(Error::Unauthenticated.into()),
        }
    }
}

/// For what an API key may not do.
impl FromRequestParts<Shared> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Failure> {
        admit_look_up(parts, state).await?;
        Ok(state.identity.session(&parts.headers).await?)
    }
}

impl FromRequestParts<Shared> for Admin {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Failure> {
        let user = User::from_request_parts(parts, state).await?;
        match user.role {
            Role::Admin => Ok(Self(user)),
            Role::User if !state.identity.knows_administrators() => Err(Error::Stale.into()),
            Role::User => Err(Error::AdminsOnly.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, role: Role) -> Caller {
        let credential = Credential::Session(Uuid::nil());
        Caller::User(User { id: Uuid::nil(), name: name.into(), role, credential })
    }

    #[test]
    fn requests_are_read_by_their_owner_and_by_administrators() {
        let ada = user("ada", Role::User);
        assert!(ada.may_read(Some("ada")));
        assert!(!ada.may_read(Some("bob")));
        assert!(!ada.may_read(None));
        for requester in [Some("ada"), Some("root"), None] {
            assert!(user("root", Role::Admin).may_read(requester));
        }
        assert!(Caller::Anonymous.may_read(None));
        assert!(!Caller::Anonymous.may_read(Some("ada")));
    }
}
