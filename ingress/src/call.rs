//! What the head of an HTTP request says about it, besides what to compute.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::request::Parts;

use crate::accept::{self, Format};
use crate::caller::Caller;
use crate::problem::Failure;
use crate::state::AppState;
use crate::traceparent;

/// Who asks, and how the answer is wanted.
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) format: Format,
    /// The caller's `traceparent`, if well-formed.
    pub(crate) traceparent: Option<HeaderValue>,
}

impl FromRequestParts<Arc<AppState>> for Call {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &Arc<AppState>,
    ) -> Result<Self, Self::Rejection> {
        let Ok(caller) = Caller::from_request_parts(parts, state).await;
        let format = accept::preferred(&parts.headers)?;
        let traceparent = parts
            .headers
            .get("traceparent")
            .filter(|value| traceparent::is_well_formed(value.as_bytes()))
            .cloned();
        Ok(Self { caller, format, traceparent })
    }
}
