//! `POST /v1/batch`: many computations in one request. Each computation is answered by a line as
//! soon as the computation ends. Each computation is checked, admitted and recorded like a single
//! computation. An error stands in the line of its computation, and does not affect the rest of the
//! batch.

use std::collections::VecDeque;
use std::sync::Arc;

use abacus_http::edge::body_guard::hold_until_written;
use abacus_http::fields::prefer::PREFERENCE_APPLIED;
use abacus_http::fields::traceparent::{self, TRACEPARENT};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{StreamExt as _, iter};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::body;
use super::call::Call;
use super::descriptions::{PreferHeader, ResultQuery};
use super::state::{AppState, Shared};
use crate::problems::{Error, Failure, On, types};
use crate::quotas::{MemoryPermit, Permit};
use crate::representation::Computation;
use crate::requests::{ComputationRequest, unless_failed};

/// Largest number of computations in a batch.
const MAX_COMPUTATIONS: usize = 1_000;
/// Largest number of computations of one batch in flight. The number also limits the answers in
/// memory for a slow reader.
const MAX_IN_FLIGHT: usize = 64;

/// Form of the body.
const FORM: &str = r#"the body must be {"computations": [...]}"#;

const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A batch. The computations are read one by one, so a malformed computation does not affect the
/// rest.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "computations": [{ "operation": "pow", "operands": { "base": "2", "exponent": "10" } }]
})))]
struct Batch<'a> {
    /// Computations, each in the form of the body of `POST /v1/computations`.
    #[serde(borrow)]
    #[schema(value_type = Vec<serde_json::Value>, min_items = 1, max_items = 1000)]
    computations: Vec<&'a RawValue>,
}

/// Batch
///
/// Up to 1,000 computations. Each computation is answered by a line as soon as the computation
/// ends: an object with the `index` in the batch, and either the `computation` or the `problem`.
#[utoipa::path(
    post,
    path = "/v1/batch",
    operation_id = "batch",
    tag = "compute",
    params(ResultQuery, PreferHeader),
    request_body(content = inline(Batch<'_>), content_type = "application/json"),
    responses(
        (status = 200, description = "A line for each computation", body = String, content_type = "application/x-ndjson"),
        On<400>, On<401>, On<412>, On<413>, On<415>, On<422>, On<500>,
    ),
    security((), ("bearer" = []))
)]
pub(super) async fn run(
    State(state): State<Shared>,
    call: Call,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    if call.key.is_some() {
        let detail = "a batch takes no `Idempotency-Key`; send each computation with a key in its own request";
        return Err(Error::new(types::idempotency::IDEMPOTENCY_KEY_NOT_FOR_BATCHES, detail).into());
    }
    body::check_content_type(&headers)?;
    let items = read(&body.map_err(|rejection| body::refuse_part(&rejection, state.max_body))?)?;
    let applied = call.prefer.applied(state.requests.longest_wait(), true);
    let traceparent =
        call.traceparent.clone().unwrap_or_else(|| traceparent::for_request(Uuid::now_v7()));
    let headers = [
        (header::CONTENT_TYPE, NDJSON),
        (header::CACHE_CONTROL, NO_STORE),
        (TRACEPARENT, traceparent),
    ];
    let call = Arc::new(call);
    let lines = iter(items.into_iter().enumerate())
        .map(move |(index, request)| line(state.clone(), Arc::clone(&call), index, request))
        .buffer_unordered(MAX_IN_FLIGHT)
        .map(Ok::<_, std::convert::Infallible>);
    let mut response = (headers, Body::from_stream(lines)).into_response();
    response.headers_mut().extend(applied.map(|applied| (PREFERENCE_APPLIED, applied)));
    Ok(response)
}

/// Reads the computations of a batch. A malformed computation is an error in the list.
fn read(bytes: &[u8]) -> Result<VecDeque<Result<ComputationRequest, Error>>, Error> {
    let batch: Batch<'_> = serde_json::from_slice(bytes)
        .map_err(|error| body::refuse(&error, types::requests::INVALID_BODY, FORM))?;
    let count = batch.computations.len();
    if count == 0 || count > MAX_COMPUTATIONS {
        return Err(Error::BatchSize { count, limit: MAX_COMPUTATIONS });
    }
    Ok(batch.computations.iter().map(|item| body::read(item.get().as_bytes())).collect())
}

async fn line(
    state: Shared,
    call: Arc<Call>,
    index: usize,
    request: Result<ComputationRequest, Error>,
) -> Bytes {
    let computed = match request {
        Ok(request) => compute(&state, &call, request).await,
        Err(error) => Err(error.into()),
    };
    let (member, json, memory) = match computed {
        Ok((computation, memory)) => ("computation", computation.to_json(), memory),
        Err(failure) => ("problem", failure.to_json(), None),
    };
    let mut line = format!("{{\"index\":{index},\"{member}\":").into_bytes();
    line.extend(json);
    line.extend(b"}\n");
    hold_until_written(line.into(), memory)
}

async fn compute(
    state: &AppState,
    call: &Call,
    request: ComputationRequest,
) -> Result<(Computation, Option<MemoryPermit>), Failure> {
    let prepared = call.prepare(&state.requests, &request)?;
    // All computations of a batch share one wait.
    let longest = call.prefer.max_wait(state.requests.longest_wait());
    let wait = longest.saturating_sub(call.began.elapsed());
    let outcome = call.submit(&state.requests, request, prepared, wait).await?;
    let id = outcome.computation.request_id;
    let computation = unless_failed(outcome.computation).map_err(Failure::with_request_id(id))?;
    let computation = call.view.apply(computation).await.map_err(Failure::with_request_id(id))?;
    Ok((computation, outcome.permit.and_then(Permit::into_memory)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_read_one_by_one() {
        let body = br#"{"computations":[
            {"operation":"factorial","operands":{"n":5}}, 7, {"operation":"pow"},
            {"operation":"factorial","operands":{"n":[]}}
        ]}"#;
        let items = read(body).unwrap();
        assert_eq!(
            items.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [true, false, false, false]
        );
    }

    #[test]
    fn what_is_no_batch_is_refused_as_a_whole() {
        let many = format!("{{\"computations\":[{}]}}", vec!["1"; MAX_COMPUTATIONS + 1].join(","));
        for (body, code) in [
            ("{", "malformed-json"),
            ("[]", "invalid-body"),
            ("{\"computations\":{}}", "invalid-body"),
            ("{\"computations\":[],\"extra\":1}", "invalid-body"),
            ("{\"computations\":[]}", "batch-size"),
            (&many, "batch-size"),
        ] {
            assert_eq!(read(body.as_bytes()).unwrap_err().class().code, code);
        }
    }
}
