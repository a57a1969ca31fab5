//! Handlers for computations: by path, by query, by body. The handlers differ in reading the
//! request, and share the path through [`crate::requests::Requests::submit`].

use std::collections::BTreeMap;

use abacus_http::fields::idempotency_key::{IDEMPOTENCY_EXPIRES, IDEMPOTENCY_REPLAYED};
use abacus_http::fields::prefer::PREFERENCE_APPLIED;
use abacus_http::fields::traceparent::{self, TRACEPARENT};
use abacus_operations::Operation;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::body;
use super::call::Call;
use super::descriptions::{
    Computed, ConditionHeaders, Conditional, KeyHeader, PreferHeader, ResultQuery,
};
use super::docs::NewComputation;
use super::path;
use super::result_parameters::ResultParameters;
use super::state::{AppState, Shared};
use crate::metrics::{AnsweredOperation, OTHER};
use crate::problems::{Error, Failure, On};
use crate::representation::{Computation, Rendering, Tag, not_modified};
use crate::requests::{ComputationRequest, Outcome, unless_failed};

/// Short names of operands in queries.
const SHORT_NAMES: [(&str, &str); 1] = [("exp", "exponent")];

type PathOperands = Path<BTreeMap<String, String>>;
type QueryOperands = Query<Vec<(String, String)>>;

/// By path
///
/// Waits for the result up to the preferred time, then answers 202. The answer is JSON, or the bare
/// digits with `Accept: text/plain`.
#[utoipa::path(
    get,
    path = "/v1/{operation}/{operands}",
    params(ResultQuery, PreferHeader, KeyHeader, ConditionHeaders),
    responses(
        Computed, Conditional,
        On<400>, On<401>, On<406>, On<413>, On<422>, On<429>, On<500>, On<503>, On<504>,
    ),
    security((), ("bearer" = []))
)]
pub(super) async fn by_path(
    operation: &'static dyn Operation,
    State(state): State<Shared>,
    call: Call,
    operands: Result<PathOperands, PathRejection>,
) -> Response {
    let request = path::read_path(operands)
        .map(|operands| ComputationRequest { operation: operation.name().to_owned(), operands });
    respond(&state, request, call).await
}

/// By query
///
/// Like the call by path. `exp` is short for `exponent`.
#[utoipa::path(
    get,
    path = "/v1/{operation}",
    params(ResultQuery, PreferHeader, KeyHeader, ConditionHeaders),
    responses(
        Computed, Conditional,
        On<400>, On<401>, On<406>, On<413>, On<422>, On<429>, On<500>, On<503>, On<504>,
    ),
    security((), ("bearer" = []))
)]
pub(super) async fn by_query(
    operation: &'static dyn Operation,
    State(state): State<Shared>,
    call: Call,
    query: Result<QueryOperands, QueryRejection>,
) -> Response {
    let request = path::read_query(query).and_then(|pairs| read_query(operation, pairs));
    respond(&state, request, call).await
}

/// Compute
///
/// Any operation, by a JSON body. Waits for the result up to the preferred time, then answers 202.
#[utoipa::path(
    post,
    path = "/v1/computations",
    operation_id = "compute",
    tag = "compute",
    params(ResultQuery, PreferHeader, KeyHeader),
    request_body(content = NewComputation, content_type = "application/json"),
    responses(
        Computed,
        On<400>, On<401>, On<406>, On<412>, On<413>, On<415>, On<422>, On<429>, On<500>, On<503>, On<504>,
    ),
    security((), ("bearer" = []))
)]
pub(super) async fn by_body(
    State(state): State<Shared>,
    call: Call,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let request = body::check_content_type(&headers)
        .and_then(|()| body.map_err(|rejection| body::refuse_part(&rejection, state.max_body)))
        .and_then(|bytes| body::read(&bytes));
    respond(&state, request, call).await
}

fn read_query(
    operation: &'static dyn Operation,
    pairs: Vec<(String, String)>,
) -> Result<ComputationRequest, Error> {
    let mut operands = BTreeMap::new();
    let is_operand =
        |(name, _): &(String, String)| !ResultParameters::NAMES.contains(&name.as_str());
    for (name, text) in pairs.into_iter().filter(is_operand) {
        body::insert_once(&mut operands, full_name(operation, name), text)?;
    }
    Ok(ComputationRequest { operation: operation.name().to_owned(), operands })
}

/// Returns the full name of an operand. A short name is replaced only if the operation has the full
/// name and not the short name.
fn full_name(operation: &dyn Operation, name: String) -> String {
    let has = |name: &str| operation.operands().iter().any(|operand| operand.name == name);
    let full = SHORT_NAMES.iter().find(|(short, full)| *short == name && has(full));
    match full {
        Some((_, full)) if !has(&name) => (*full).to_owned(),
        _ => name,
    }
}

async fn respond(
    state: &AppState,
    request: Result<ComputationRequest, Error>,
    call: Call,
) -> Response {
    let operation =
        request.as_ref().ok().and_then(|request| abacus_operations::find(&request.operation));
    let answered = AnsweredOperation(operation.map_or(OTHER, Operation::name));
    let result = match request {
        Ok(request) => compute(state, request, &call).await,
        Err(error) => Err(call.format().err().unwrap_or(error).into()),
    };
    let failed_id = result.as_ref().err().and_then(Failure::request_id);
    let mut response = result.into_response();
    let headers = response.headers_mut();
    if let Some(traceparent) = call.traceparent {
        headers.insert(TRACEPARENT, traceparent);
    } else {
        let own = || traceparent::for_request(failed_id.unwrap_or_else(Uuid::now_v7));
        headers.entry(TRACEPARENT).or_insert_with(own);
    }
    response.extensions_mut().insert(answered);
    response
}

async fn compute(
    state: &AppState,
    request: ComputationRequest,
    call: &Call,
) -> Result<Response, Failure> {
    let format = call.format()?;
    let prepared = call.prepare(&state.requests, &request)?;
    let (view, conditions) = (call.view, &call.conditions);
    let tag =
        conditions.is_safe.then(|| Tag::of_canonical_form(prepared.canonical(), format, view));
    let rendering = Rendering { format, view, conditions, tag, began: call.began };
    rendering.check_precondition().map_err(Error::from)?;
    // A request with a key is submitted even if the caller already has the answer.
    if call.key.is_none()
        && let Some(tag) = rendering.matching_tag()
    {
        return Ok(not_modified(tag));
    }
    let wait = call.prefer.max_wait(state.requests.longest_wait());
    let outcome = call.submit(&state.requests, request, prepared, wait).await?;
    answer(state, outcome, rendering, call).await
}

/// Renders an outcome. Holds the permit of the computation until then.
async fn answer(
    state: &AppState,
    outcome: Outcome,
    rendering: Rendering<'_>,
    call: &Call,
) -> Result<Response, Failure> {
    let is_replay = outcome.is_replay();
    let Outcome { computation, permit: _permit, key_expires_at } = outcome;
    let id = computation.request_id;
    let rendered = render(state, computation, rendering, call).await;
    let Some(expires_at) = key_expires_at else {
        let mut response = rendered?;
        response.headers_mut().insert(TRACEPARENT, traceparent::for_request(id));
        return Ok(response);
    };
    let mut response = rendered.unwrap_or_else(Failure::into_response);
    let headers = response.headers_mut();
    headers.insert(TRACEPARENT, traceparent::for_request(id));
    if is_replay {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    let expires = HeaderValue::from_str(&httpdate::fmt_http_date(expires_at)).ok();
    headers.extend(expires.map(|expires| (IDEMPOTENCY_EXPIRES, expires)));
    Ok(response)
}

async fn render(
    state: &AppState,
    computation: Computation,
    rendering: Rendering<'_>,
    call: &Call,
) -> Result<Response, Failure> {
    let id = computation.request_id;
    let longest = state.requests.longest_wait();
    let applied = call.prefer.applied(longest, computation.is_pending());
    let computation = unless_failed(computation).map_err(Failure::with_request_id(id))?;
    // An answer exists now, so `If-None-Match: *` matches.
    if call.key.is_none()
        && !computation.is_pending()
        && let Some(tag) = rendering.matching_tag_or_any()
    {
        return Ok(not_modified(tag));
    }
    let mut response = rendering.render(computation).await.map_err(Failure::with_request_id(id))?;
    response.headers_mut().extend(applied.map(|applied| (PREFERENCE_APPLIED, applied)));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> Result<BTreeMap<String, String>, Error> {
        let pow = abacus_operations::find("pow").unwrap();
        let pairs = query.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        read_query(pow, pairs.collect()).map(|asked| asked.operands)
    }

    #[test]
    fn exp_is_short_for_exponent() {
        let full = read(&[("base", "2"), ("exponent", "5")]).unwrap();
        assert_eq!(read(&[("exp", "5"), ("base", "2")]).unwrap(), full);
    }

    #[test]
    fn an_operand_given_under_both_names_is_repeated() {
        let error = read(&[("exp", "5"), ("exponent", "6")]).unwrap_err();
        assert!(matches!(error, Error::RepeatedOperand { operand } if operand == "exponent"));
    }
}
