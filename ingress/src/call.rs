//! What the head of an HTTP request says about it, besides what to compute.

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::request::Parts;

use crate::accept::{self, Format};
use crate::identity::Caller;
use crate::prefer::Preferences;
use crate::problem::Failure;
use crate::protection::ClientAddress;
use crate::state::Shared;
use crate::traceparent;

/// Who asks, and how the answer is wanted.
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) from: ClientAddress,
    pub(crate) format: Format,
    pub(crate) prefer: Preferences,
    /// The caller's `traceparent`, if well-formed.
    pub(crate) traceparent: Option<HeaderValue>,
}

impl FromRequestParts<Shared> for Call {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &Shared,
    ) -> Result<Self, Self::Rejection> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let Ok(from) = ClientAddress::from_request_parts(parts, state).await;
        let format = accept::preferred(&parts.headers)?;
        let traceparent = parts
            .headers
            .get("traceparent")
            .filter(|value| traceparent::is_well_formed(value.as_bytes()))
            .cloned();
        let prefer = Preferences::read(&parts.headers);
        Ok(Self { caller, from, format, prefer, traceparent })
    }
}
