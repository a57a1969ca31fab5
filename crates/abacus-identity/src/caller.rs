//! The caller of a request.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;

/// The maker of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A caller without credentials, if the settings allow anonymous callers.
    Anonymous,
    /// A signed-in user.
    User(User),
}

/// A caller with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Id of the account.
    pub id: Uuid,
    /// Name of the account. Requests are recorded under the name, and a name never changes and is never used again.
    pub name: Arc<str>,
    /// Role of the account.
    pub role: Role,
    /// The credential of this request.
    pub credential: Credential,
}

/// Rights of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Computes, and reads its own requests.
    User,
    /// Reads all requests, and manages accounts.
    Admin,
}

/// The credential by which a user is identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A session token, by its `jti`.
    Session(Uuid),
    /// An API key, by its id.
    ApiKey(Uuid),
}

impl Caller {
    /// Name under which requests are recorded; `None` for an anonymous caller.
    pub fn requester(&self) -> Option<&str> {
        match self {
            Self::Anonymous => None,
            Self::User(user) => Some(&user.name),
        }
    }

    /// Returns true if the caller may read a request recorded under `requester`. Users read their own requests, and
    /// administrators all requests. Anonymous callers read every anonymous request with a known id.
    pub fn may_read(&self, requester: Option<&str>) -> bool {
        match self {
            Self::Anonymous => requester.is_none(),
            Self::User(user) => user.role == Role::Admin || requester == Some(&*user.name),
        }
    }
}

impl User {
    /// Refuses an API key. Acts that make credentials or give rights need a session: a leaked key makes no lasting
    /// access.
    pub(crate) fn require_session(&self) -> Result<(), Error> {
        match self.credential {
            Credential::Session(_) => Ok(()),
            Credential::ApiKey(_) => Err(Error::SessionRequired),
        }
    }
}

impl Role {
    /// Name in JSON and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

impl<'de> Deserialize<'de> for Role {
    /// Reads a string only: the derived form reads an array as malformed JSON.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let role = [Self::User, Self::Admin].into_iter().find(|role| role.name() == name);
        role.ok_or_else(|| serde::de::Error::custom("a role is `user` or `admin`"))
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
