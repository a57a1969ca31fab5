//! Errors of identity: refused callers, refused acts and failures.
//!
//! The texts name acts. The service adds its paths and header fields.

/// A refused caller, a refused act, or a failure. Without the right password, no error of a sign-in reveals the
/// existence of an account.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request has no credentials.
    #[error("this needs credentials; sign in")]
    Unauthenticated,
    /// The credentials are not valid.
    #[error("{0}")]
    InvalidCredentials(CredentialFault),
    /// No account has this name and password.
    #[error("the name or the password is wrong")]
    WrongCredentials,
    /// The current password is wrong.
    #[error("the current password is wrong")]
    WrongPassword,
    /// The account is disabled.
    #[error("the account is disabled; ask an administrator to enable it")]
    AccountDisabled,
    /// The caller is not an administrator.
    #[error("only administrators may do this")]
    AdminsOnly,
    /// The caller may not make an administrator.
    #[error(
        "only administrators make administrators; while there is none yet, the bootstrap token of \
         the server's settings makes the first"
    )]
    RoleNotAllowed,
    /// Only administrators make accounts.
    #[error("only administrators make accounts here; ask an administrator")]
    RegistrationClosed,
    /// The act needs a session, and the caller has an API key.
    #[error("this needs a session, not an API key; sign in")]
    SessionRequired,
    /// An account has or had this name.
    #[error("the name `{name}` is taken; choose another")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The change would leave the service without an administrator.
    #[error("`{name}` is the last administrator; make another account an administrator first")]
    LastAdmin {
        /// Name of the account.
        name: String,
    },
    /// The account has the largest allowed number of API keys.
    #[error("an account has at most {limit} API keys; revoke one first")]
    TooManyKeys {
        /// Largest allowed number.
        limit: i64,
    },
    /// The name is malformed.
    #[error(
        "a name has 3 to 64 letters, digits, dots, underscores and hyphens, and begins with a \
         letter or digit"
    )]
    MalformedName,
    /// The label of an API key is malformed.
    #[error("a label has 1 to 100 characters, none of them a control character")]
    MalformedLabel,
    /// The change of an account names nothing to change.
    #[error("nothing to change is given; give `role`, `disabled` or both")]
    NothingToChange,
    /// The password is too weak.
    #[error("{0}")]
    WeakPassword(&'static str),
    /// No account has this name.
    #[error("there is no account `{name}`")]
    NoSuchUser {
        /// The name.
        name: String,
    },
    /// The caller has no API key with this id.
    #[error("you have no API key `{id}`")]
    NoSuchKey {
        /// The id.
        id: String,
    },
    /// Too many sign-ins or look-ups are in flight.
    #[error("more sign-ins than this server takes are under way; try again in a moment")]
    Busy,
    /// The instance does not know the latest revocations, and admits no administrator.
    #[error("this server does not know at the moment who is still an administrator; try again")]
    Stale,
    /// Postgres cannot be reached.
    #[error("accounts cannot be reached; try again in a moment")]
    Unavailable(#[source] anyhow::Error),
    /// A fault of the service.
    #[error("the server failed while it worked on this request")]
    Internal(#[source] anyhow::Error),
}

/// Why credentials are not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialFault {
    /// The header is malformed.
    #[error("the credentials cannot be read")]
    Unreadable,
    /// The token was not issued by this service.
    #[error("the token is not valid here; sign in again")]
    Forged,
    /// The token has expired.
    #[error("the token has expired; sign in again")]
    Expired,
    /// The session was ended.
    #[error("the session was ended; sign in again")]
    Ended,
    /// The API key is unknown, revoked, or of a disabled account.
    #[error("the API key is not valid; make a new one")]
    Key,
}

impl CredentialFault {
    /// Every label in metrics.
    pub const LABELS: [&'static str; 5] = ["unreadable", "forged", "expired", "ended", "key"];

    /// Label in metrics.
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

impl From<CredentialFault> for Error {
    fn from(fault: CredentialFault) -> Self {
        Self::InvalidCredentials(fault)
    }
}

impl Error {
    /// Reason in the audit log. `None` for a refusal without an audit row.
    ///
    /// Reasons are stored, and are the codes of the service's answers; a test of the service compares both.
    pub fn audit_reason(&self) -> Option<&'static str> {
        match self {
            Self::RoleNotAllowed => Some("role-not-allowed"),
            Self::RegistrationClosed => Some("registration-closed"),
            Self::WrongCredentials => Some("wrong-credentials"),
            Self::WrongPassword => Some("wrong-password"),
            Self::AccountDisabled => Some("account-disabled"),
            Self::LastAdmin { .. } => Some("last-admin"),
            Self::SessionRequired => Some("session-required"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_no_path_and_no_header_field() {
        use CredentialFault::{Ended, Expired, Forged, Key, Unreadable};
        let faults = [Unreadable, Forged, Expired, Ended, Key].map(Error::from);
        let refusals = [
            Error::Unauthenticated,
            Error::RoleNotAllowed,
            Error::RegistrationClosed,
            Error::SessionRequired,
        ];
        for error in faults.iter().chain(&refusals) {
            let text = error.to_string();
            assert!(!text.contains('/') && !text.contains("Authorization"), "{text}");
        }
    }
}
