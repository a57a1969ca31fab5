//! Who asks, and what they may do: accounts, sessions, API keys and roles.

mod caller;

use axum::http::HeaderMap;
use utoipa_axum::router::OpenApiRouter;

use crate::error::Class;
use crate::problem::types::identity;
use crate::state::Shared;

pub(crate) use caller::{Admin, Caller, Credential, Role, User};

/// Tells callers by their credentials.
pub(crate) struct Identity {}

impl Identity {
    pub(crate) fn new() -> Self {
        Self {}
    }

    /// The caller that the `Authorization` header names; anonymous if there is none and the settings
    /// allow that.
    #[expect(clippy::unused_async, reason = "asks the database for keys not seen before")]
    pub(crate) async fn identify(&self, _headers: &HeaderMap) -> Result<Caller, Error> {
        Ok(Caller::Anonymous)
    }
}

/// Why a caller is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "this needs credentials; sign in at `/v1/login` and send `Authorization: Bearer TOKEN`"
    )]
    Unauthenticated,
    #[error("this is for administrators")]
    AdminsOnly,
}

impl Error {
    /// What it is to callers and operators.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Unauthenticated => identity::UNAUTHENTICATED.silent(),
            Self::AdminsOnly => identity::ADMINS_ONLY.silent(),
        }
    }
}

/// Everything about accounts.
pub(crate) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
}
