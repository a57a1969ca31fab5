//! What the head of an HTTP request says about it, besides what to compute.

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use tokio::time::Instant;

use crate::error::Error;
use crate::idempotency::Key;
use crate::identity::Caller;
use crate::problem::Failure;
use crate::protection::ClientAddress;
use crate::request::accept::{self, Format};
use crate::request::prefer::Preferences;
use crate::request::traceparent::{self, TRACEPARENT};
use crate::results::{Conditions, Parameters, View};
use crate::state::Shared;

/// Who asks, and how the answer is wanted.
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) from: ClientAddress,
    format: Option<Format>,
    pub(crate) view: View,
    pub(crate) conditions: Conditions,
    pub(crate) prefer: Preferences,
    pub(crate) key: Option<Key>,
    /// The caller's `traceparent`, if well-formed.
    pub(crate) traceparent: Option<HeaderValue>,
    /// When it came in.
    pub(crate) began: Instant,
}

impl Call {
    /// The form of the answer, where it is one of the two that results have.
    pub(crate) fn format(&self) -> Result<Format, Error> {
        self.format.ok_or(Error::NotAcceptable)
    }
}

impl FromRequestParts<Shared> for Call {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &Shared,
    ) -> Result<Self, Self::Rejection> {
        let began = Instant::now();
        let caller = caller(parts, state).await?;
        let Ok(from) = ClientAddress::from_request_parts(parts, state).await;
        let headers = &parts.headers;
        let parameters = Parameters::read(parts.uri.query())?;
        let traceparent = headers
            .get(TRACEPARENT)
            .filter(|value| traceparent::is_well_formed(value.as_bytes()))
            .cloned();
        Ok(Self {
            caller,
            from,
            format: accept::preferred(headers).ok(),
            view: parameters.view(),
            conditions: Conditions::read(&parts.method, headers),
            prefer: Preferences::read(headers).with_wait(parameters.wait()),
            key: Key::read(headers)?,
            traceparent,
            began,
        })
    }
}

async fn caller(parts: &mut Parts, state: &Shared) -> Result<Caller, Failure> {
    #[cfg(test)]
    if let Some(caller) = parts.extensions.get::<Caller>() {
        return Ok(caller.clone());
    }
    Caller::from_request_parts(parts, state).await
}
