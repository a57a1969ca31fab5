//! Who asks: the one place where identity enters.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// The caller of a request. Everybody is anonymous.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    requester: Option<String>,
}

impl Caller {
    /// The name that the request is recorded under; `None` if anonymous.
    pub(crate) fn into_requester(self) -> Option<String> {
        self.requester
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::default())
    }
}
