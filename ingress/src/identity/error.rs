//! Why a caller is not let in, or an account not changed, and what callers get to see of it.

use axum::http::HeaderValue;
use uuid::Uuid;

use crate::error::{Class, LogLevel};
use crate::problem::types::{identity, service};

/// RFC 6750, section 3: without credentials there is no error to name.
pub(crate) const CHALLENGE: HeaderValue = HeaderValue::from_static(r#"Bearer realm="abacus""#);
const CHALLENGE_INVALID: HeaderValue =
    HeaderValue::from_static(r#"Bearer realm="abacus", error="invalid_token""#);

/// Why a caller is not let in. No text tells whether an account exists to whom does not know its
/// password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "this needs credentials; sign in at `/v1/login` and send `Authorization: Bearer TOKEN`"
    )]
    Unauthenticated,
    #[error("{0}")]
    InvalidCredentials(Fault),
    #[error("the name or the password is wrong")]
    WrongCredentials,
    #[error("the current password is wrong")]
    WrongPassword,
    #[error("the account is disabled; ask an administrator to enable it")]
    AccountDisabled,
    #[error("this is for administrators")]
    AdminsOnly,
    #[error(
        "only administrators make administrators: send `Authorization: Bearer TOKEN` of one, or, \
         while there is none yet, the `bootstrap_token` that the server was started with; without \
         `role` the account is made for a user"
    )]
    RoleNotAllowed,
    #[error(
        "accounts are made by administrators here; ask one, or send `Authorization: Bearer TOKEN` of \
         one"
    )]
    RegistrationClosed,
    #[error("this needs a session, not an API key; sign in at `/v1/login` and send its token")]
    SessionRequired,
    #[error("the name `{name}` is taken; choose another")]
    NameTaken { name: String },
    #[error("`{name}` is the last administrator; make somebody else one first")]
    LastAdmin { name: String },
    #[error("an account has at most {limit} API keys; revoke one first")]
    TooManyKeys { limit: i64 },
    #[error(
        "a name has 3 to 64 letters, digits, dots, underscores and hyphens, and begins with a \
         letter or digit"
    )]
    MalformedName,
    #[error("{0}")]
    WeakPassword(&'static str),
    #[error("a label has 1 to 100 characters, none of them a control character")]
    MalformedLabel,
    #[error("nothing to change is given; give `role`, `disabled` or both")]
    NothingToChange,
    #[error("the body does not have the members it should: {0}")]
    InvalidMembers(String),
    #[error("there is no account `{name}`")]
    NoSuchUser { name: String },
    #[error("you have no API key `{id}`")]
    NoSuchKey { id: String },
    #[error("the cursor is not one that a list gave; leave it out to begin at the start")]
    MalformedCursor,
    #[error("a list has 1 to 100 entries at a time; give such a `limit`")]
    MalformedLimit,
    #[error("more sign-ins than this server takes are under way; try again in a moment")]
    Busy,
    #[error("this server does not know at the moment who is still an administrator; try again")]
    Stale,
    #[error("accounts cannot be reached; try again in a moment")]
    Unavailable(#[source] anyhow::Error),
    #[error("the server failed while it worked on this request")]
    Internal(#[source] anyhow::Error),
}

/// What is wrong with credentials that came along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the credentials cannot be read; send one header `Authorization: Bearer TOKEN`")]
    Unreadable,
    #[error("the token is not valid here; sign in at `/v1/login` for a new one")]
    Forged,
    #[error("the token has expired; sign in at `/v1/login` for a new one")]
    Expired,
    #[error("the session was ended; sign in at `/v1/login` for a new one")]
    Ended,
    #[error("the API key is not valid; make a new one at `/v1/api-keys`")]
    Key,
}

impl Fault {
    /// Every label in metrics.
    pub(crate) const LABELS: [&'static str; 5] =
        ["unreadable", "forged", "expired", "ended", "key"];

    /// The label in metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Forged => "forged",
            Self::Expired => "expired",
            Self::Ended => "ended",
            Self::Key => "key",
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::InvalidCredentials(fault)
    }
}

impl Error {
    /// What it is to callers and operators.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Unauthenticated => identity::UNAUTHENTICATED.silent(),
            Self::InvalidCredentials(_) => identity::INVALID_CREDENTIALS.silent(),
            Self::WrongCredentials => identity::WRONG_CREDENTIALS.silent(),
            Self::WrongPassword => identity::WRONG_PASSWORD.silent(),
            Self::AccountDisabled => identity::ACCOUNT_DISABLED.silent(),
            Self::AdminsOnly => identity::ADMINS_ONLY.silent(),
            Self::RoleNotAllowed => identity::ROLE_NOT_ALLOWED.silent(),
            Self::RegistrationClosed => identity::REGISTRATION_CLOSED.silent(),
            Self::SessionRequired => identity::SESSION_REQUIRED.silent(),
            Self::NameTaken { .. } => identity::NAME_TAKEN.silent(),
            Self::LastAdmin { .. } => identity::LAST_ADMIN.silent(),
            Self::TooManyKeys { .. } => identity::TOO_MANY_KEYS.silent(),
            Self::MalformedName => identity::MALFORMED_NAME.silent(),
            Self::WeakPassword(_) => identity::WEAK_PASSWORD.silent(),
            Self::MalformedLabel => identity::MALFORMED_LABEL.silent(),
            Self::NothingToChange => identity::NOTHING_TO_CHANGE.silent(),
            Self::InvalidMembers(_) => identity::INVALID_MEMBERS.silent(),
            Self::NoSuchUser { .. } => identity::NO_SUCH_USER.silent(),
            Self::NoSuchKey { .. } => identity::NO_SUCH_KEY.silent(),
            Self::MalformedCursor => identity::MALFORMED_CURSOR.silent(),
            Self::MalformedLimit => identity::MALFORMED_LIMIT.silent(),
            Self::Busy => identity::SIGN_IN_BUSY.logged(LogLevel::Debug),
            Self::Stale => identity::IDENTITY_STALE.logged(LogLevel::Debug),
            Self::Unavailable(_) => identity::IDENTITY_UNAVAILABLE.logged(LogLevel::Warn),
            Self::Internal(_) => service::INTERNAL.logged(LogLevel::Error),
        }
    }

    /// What `WWW-Authenticate` says with an answer of 401 (RFC 9110, section 11.6.1).
    pub(crate) fn challenge(&self) -> HeaderValue {
        match self {
            Self::InvalidCredentials(_) => CHALLENGE_INVALID,
            _ => CHALLENGE,
        }
    }

    /// Somebody else's key is as unknown as one that never was.
    pub(crate) fn no_such_key(id: Uuid) -> Self {
        Self::NoSuchKey { id: id.to_string() }
    }
}
