//! Endings of error details. The crates below the API do not know its paths and header fields; the
//! endings name these to the caller.

use abacus_identity::{CredentialFault, Error as IdentityError};

use super::error::Error;

/// Returns the ending for the detail of `error`, often empty.
pub(super) fn hint(error: &Error) -> &'static str {
    let Error::Identity(error) = error else { return "" };
    match error {
        IdentityError::Unauthenticated => " at `/v1/login` and send `Authorization: Bearer TOKEN`",
        IdentityError::SessionRequired => " at `/v1/login` and send its token",
        IdentityError::RoleNotAllowed => {
            "; send `Authorization: Bearer TOKEN` of an administrator, or the `bootstrap_token`; \
             without `role` the account is made for a user"
        }
        IdentityError::RegistrationClosed => ", or send `Authorization: Bearer TOKEN` of one",
        IdentityError::InvalidCredentials(fault) => match fault {
            CredentialFault::Unreadable => "; send one header `Authorization: Bearer TOKEN`",
            CredentialFault::Forged | CredentialFault::Expired | CredentialFault::Ended => {
                " at `/v1/login`"
            }
            CredentialFault::Key => " at `/v1/api-keys`",
        },
        _ => "",
    }
}
