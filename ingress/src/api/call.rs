//! The head of a request about computations: the caller, and the requested form of the answer.

use std::time::Duration;

use abacus_http::fields::conditions::Conditions;
use abacus_http::fields::idempotency_key::{IdempotencyKey, MalformedKey};
use abacus_http::fields::prefer::Preferences;
use abacus_http::fields::traceparent::TRACEPARENT;
use abacus_operations::Prepared;
use abacus_schemas::headers::{TRACESTATE, TraceContext, is_traceparent};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::result_parameters::ResultParameters;
use super::state::Shared;
use crate::problems::{Error, Failure, types};
use crate::quotas::Client;
use crate::representation::{Format, View, preferred_format};
use crate::requests::{
    ComputationRequest, FailedRequest, Outcome, Requests, Submission, SubmitOptions,
};

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
    /// Arrival time of the request.
    pub(super) began: Instant,
}

impl Call {
    /// Returns the requested form of a result. Fails if `Accept` excludes every form.
    pub(super) fn format(&self) -> Result<Format, Error> {
        self.format.ok_or_else(|| {
            let detail =
                "answers come as `application/json` or `text/plain`; accept one of the two";
            Error::new(types::requests::NOT_ACCEPTABLE, detail)
        })
    }

    /// Validates a request, and the requested form of its result.
    pub(super) fn prepare(
        &self,
        requests: &Requests,
        request: &ComputationRequest,
    ) -> Result<Prepared, Error> {
        let prepared = requests.prepare(request)?;
        self.view.check(&prepared)?;
        Ok(prepared)
    }

    /// Submits a request with the caller's options, and waits up to `wait` for the reply.
    /// `prepared` is the result of [`Call::prepare`] for `request`.
    pub(super) async fn submit(
        &self,
        requests: &Requests,
        request: ComputationRequest,
        prepared: Prepared,
        wait: Duration,
    ) -> Result<Outcome, FailedRequest> {
        let options = SubmitOptions {
            idempotency_key: self.key.as_ref().map(IdempotencyKey::as_str),
            trace: self.trace(),
            wait,
        };
        let submission = Submission::new(&self.client, request, &prepared, options);
        // The prepared request holds a second copy of the operands, unused during the wait.
        drop(prepared);
        requests.submit(submission).await
    }

    /// Returns the caller's trace context.
    fn trace(&self) -> Option<TraceContext<'_>> {
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
        let key = IdempotencyKey::read(headers).map_err(refuse_key)?;
        let traceparent =
            headers.get(TRACEPARENT).filter(|value| is_traceparent(value.as_bytes())).cloned();
        Ok(Self {
            client,
            format: preferred_format(headers),
            view: parameters.view(),
            conditions: Conditions::read(&parts.method, headers),
            prefer: Preferences::read(headers).with_wait(parameters.wait()),
            key,
            tracestate: traceparent.as_ref().and_then(|_| tracestate(headers)),
            traceparent,
            began,
        })
    }
}

fn refuse_key(error: MalformedKey) -> Error {
    let detail = format!("{error}; send 1 to 255 characters, as a string in quotes or as a token");
    Error::new(types::idempotency::MALFORMED_IDEMPOTENCY_KEY, detail)
}
