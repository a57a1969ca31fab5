//! The head of a request about computations: the caller, and the wished form of the answer.

use abacus_http::fields::conditions::Conditions;
use abacus_http::fields::idempotency_key::IdempotencyKey;
use abacus_http::fields::prefer::Preferences;
use abacus_http::fields::traceparent::TRACEPARENT;
use abacus_schemas::headers::{TRACESTATE, TraceContext, is_traceparent};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::result_parameters::ResultParameters;
use super::state::Shared;
use crate::problems::{Error, Failure};
use crate::quotas::Client;
use crate::representation::{Format, View, preferred_format};

/// The head of a request.
pub(super) struct Call {
    pub(super) client: Client,
    format: Option<Format>,
    pub(super) view: View,
    pub(super) conditions: Conditions,
    pub(super) prefer: Preferences,
    pub(super) key: Option<IdempotencyKey>,
    /// The caller's `traceparent`, if well-formed.
    pub(super) traceparent: Option<HeaderValue>,
    /// The caller's `tracestate`.
    tracestate: Option<Vec<u8>>,
    /// Arrival of the request.
    pub(super) began: Instant,
}

impl Call {
    /// Form of the answer, for a result.
    pub(super) fn format(&self) -> Result<Format, Error> {
        self.format.ok_or(Error::NotAcceptable)
    }

    /// The caller's trace context.
    pub(super) fn trace(&self) -> Option<TraceContext<'_>> {
        TraceContext::new(self.traceparent.as_ref()?.as_bytes(), self.tracestate.as_deref())
    }
}

/// Returns the fields `tracestate` as one list, in order.
fn tracestate(headers: &HeaderMap) -> Option<Vec<u8>> {
    let fields: Vec<&[u8]> =
        headers.get_all(TRACESTATE).iter().map(HeaderValue::as_bytes).collect();
    (!fields.is_empty()).then(|| fields.join(&b','))
}

impl FromRequestParts<Shared> for Call {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &Shared,
    ) -> Result<Self, Self::Rejection> {
        let began = Instant::now();
        let client = Client::from_request_parts(parts, state).await?;
        let headers = &parts.headers;
        let parameters = ResultParameters::read(parts.uri.query())?;
        let key = IdempotencyKey::read(headers).map_err(|error| Error::MalformedKey(error.0))?;
        let traceparent =
            headers.get(TRACEPARENT).filter(|value| is_traceparent(value.as_bytes())).cloned();
        Ok(Self {
            client,
            format: preferred_format(headers),
            view: parameters.view(),
            conditions: Conditions::read(&parts.method, headers),
            prefer: Preferences::read(headers).with_wait(parameters.wait()),
            key,
            traceparent,
            tracestate: tracestate(headers),
            began,
        })
    }
}
