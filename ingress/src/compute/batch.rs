//! `POST /v1/batch`: many computations in one request, answered line by line as they end. Each is
//! checked, let in and recorded like one that comes alone; what is wrong with one is told in its line
//! and does not touch the others.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{StreamExt as _, iter};
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::computations::attach::left;
use crate::computations::computation::Computation;
use crate::compute::submit::{ask, load, mark_answered, request};
use crate::error::Error;
use crate::exchange::Submission;
use crate::idempotency;
use crate::problem::{Failure, On};
use crate::protection::{Held, hold_until_written};
use crate::request::body::{self, Asked};
use crate::request::call::Call;
use crate::request::prefer::PREFERENCE_APPLIED;
use crate::request::traceparent::{self, TRACEPARENT};
use crate::results::{PreferHeader, ResultQuery};
use crate::state::{AppState, Shared};

/// In one batch.
const MOST: usize = 1_000;
/// How many of a batch are under way at a time: so much of it, at most, waits for a slow reader.
const WIDTH: usize = 64;

const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// What a batch looks like.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "a description")]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "computations": [{ "operation": "pow", "operands": { "base": "2", "exponent": "10" } }]
})))]
struct NewBatch {
    /// Each as the body of `POST /v1/computations`.
    #[schema(min_items = 1, max_items = 1000)]
    computations: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch<'a> {
    #[serde(borrow)]
    computations: Vec<&'a RawValue>,
}

/// Batch
///
/// Up to 1,000 computations, each answered in a line of its own as soon as it ends: an object with its
/// `index` in the batch, and either the `computation` or the `problem`.
#[utoipa::path(
    post,
    path = "/v1/batch",
    operation_id = "batch",
    tag = "compute",
    params(ResultQuery, PreferHeader),
    request_body(content = inline(NewBatch), content_type = "application/json"),
    responses(
        (status = 200, description = "A line for each", body = String, content_type = "application/x-ndjson"),
        On<400>, On<401>, On<413>, On<415>, On<422>, On<500>,
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn run(
    State(state): State<Shared>,
    call: Call,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Failure> {
    if call.key.is_some() {
        return Err(idempotency::Error::NotForBatches.into());
    }
    body::check_content_type(&headers)?;
    let items = read(&body.map_err(|rejection| body::refuse_part(&rejection, state.max_body))?)?;
    let applied = call.prefer.applied(state.exchange.wait, true);
    let traceparent = call.traceparent.clone().unwrap_or_else(|| traceparent::of(Uuid::now_v7()));
    let headers = [
        (header::CONTENT_TYPE, NDJSON),
        (header::CACHE_CONTROL, NO_STORE),
        (TRACEPARENT, traceparent),
    ];
    let call = Arc::new(call);
    let lines = iter(items.into_iter().enumerate())
        .map(move |(index, asked)| line(Arc::clone(&state), Arc::clone(&call), index, asked))
        .buffer_unordered(WIDTH)
        .map(Ok::<_, std::convert::Infallible>);
    let mut response = (headers, Body::from_stream(lines)).into_response();
    response.headers_mut().extend(applied.map(|applied| (PREFERENCE_APPLIED, applied)));
    Ok(response)
}

/// The computations of a batch; one that cannot be read is an error of its own.
fn read(bytes: &[u8]) -> Result<VecDeque<Result<Asked, Error>>, Error> {
    let batch: Batch<'_> =
        serde_json::from_slice(bytes).map_err(|error| match error.classify() {
            Category::Data => Error::InvalidBatch(error),
            Category::Io | Category::Syntax | Category::Eof => Error::MalformedJson(error),
        })?;
    let count = batch.computations.len();
    if count == 0 || count > MOST {
        return Err(Error::BatchSize { count, limit: MOST });
    }
    Ok(batch.computations.iter().map(|item| body::read(item.get().as_bytes())).collect())
}

async fn line(state: Shared, call: Arc<Call>, index: usize, asked: Result<Asked, Error>) -> Bytes {
    let computed = match asked {
        Ok(asked) => compute(&state, &call, asked).await,
        Err(error) => Err(error.into()),
    };
    let (member, json, held) = match computed {
        Ok((computation, held)) => ("computation", computation.to_json(), Some(held)),
        Err(failure) => ("problem", failure.to_json(), None),
    };
    let mut line = format!("{{\"index\":{index},\"{member}\":").into_bytes();
    line.extend(json);
    line.extend(b"}\n");
    hold_until_written(line.into(), held)
}

async fn compute(
    state: &AppState,
    call: &Call,
    asked: Asked,
) -> Result<(Computation, Held), Failure> {
    let prepared = abacus_operations::prepare(&asked.operation, &asked.operands, &state.limits)?;
    call.view.check(&prepared)?;
    let load = load(&prepared, &asked);
    drop(prepared);
    let mut permit = state.protection.admit(&call.caller, call.from, load).await?;
    let id = Uuid::now_v7();
    let traceparent = call.traceparent.clone().unwrap_or_else(|| traceparent::of(id));
    let submission = Submission {
        id,
        request: &request(id, asked, &call.caller),
        traceparent: Some(traceparent.as_bytes()),
        // All of a batch share one wait.
        wait: left(call.began, call.prefer.patience(state.exchange.wait)),
    };
    let computation = ask(state, submission).await?;
    mark_answered(&mut permit, &computation);
    let computation = computation.unless_failed().map_err(Failure::of(id))?;
    let computation = call.view.of(computation).await.map_err(Failure::of(id))?;
    Ok((computation, permit.into_held()))
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
        let many = format!("{{\"computations\":[{}]}}", vec!["1"; MOST + 1].join(","));
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
