//! The handlers that compute: by path, by query, by body. They differ in how they read a request;
//! [`compute`] is what happens to all.

use std::collections::BTreeMap;

use abacus_operations::{Operation, Prepared};
use abacus_schemas::{ComputeRequested, Timestamp};
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::body::{self, Asked};
use crate::call::Call;
use crate::computation::Computation;
use crate::error::Error;
use crate::metrics::{About, OTHER};
use crate::problem::Failure;
use crate::protection::Load;
use crate::state::{AppState, Shared};

/// How requests that come in here are marked in the log.
const SOURCE: &str = "http";

/// Names that people use in queries, and the operands they stand for.
const SHORT_NAMES: [(&str, &str); 1] = [("exp", "exponent")];

type PathOperands = Path<BTreeMap<String, String>>;
type QueryOperands = Query<Vec<(String, String)>>;

/// `GET /v1/pow/2/10`
pub(crate) async fn by_path(
    operation: &'static dyn Operation,
    State(state): State<Shared>,
    call: Call,
    operands: Result<PathOperands, PathRejection>,
) -> Response {
    let asked = operands
        .map(|Path(operands)| Asked { operation: operation.name().to_owned(), operands })
        .map_err(|rejection| Error::MalformedUrl(rejection.body_text()));
    respond(&state, asked, call).await
}

/// `GET /pow?base=2&exp=10`
pub(crate) async fn by_query(
    operation: &'static dyn Operation,
    State(state): State<Shared>,
    call: Call,
    query: Result<QueryOperands, QueryRejection>,
) -> Response {
    let asked = query
        .map_err(|rejection| Error::MalformedUrl(rejection.body_text()))
        .and_then(|Query(pairs)| read_query(operation, pairs));
    respond(&state, asked, call).await
}

/// `POST /v1/computations`
pub(crate) async fn by_body(
    State(state): State<Shared>,
    call: Call,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let asked = body::check_content_type(&headers)
        .and_then(|()| body.map_err(|rejection| refuse_body(&rejection, state.max_body)))
        .and_then(|bytes| body::read(&bytes));
    respond(&state, asked, call).await
}

fn read_query(
    operation: &'static dyn Operation,
    pairs: Vec<(String, String)>,
) -> Result<Asked, Error> {
    let mut operands = BTreeMap::new();
    for (name, text) in pairs {
        body::insert_once(&mut operands, full_name(operation, name), text)?;
    }
    Ok(Asked { operation: operation.name().to_owned(), operands })
}

/// The operand that a short name stands for, if the operation has it and none of the short name.
fn full_name(operation: &dyn Operation, name: String) -> String {
    let has = |name: &str| operation.operands().iter().any(|operand| operand.name == name);
    let full = SHORT_NAMES.iter().find(|(short, full)| *short == name && has(full));
    match full {
        Some((_, full)) if !has(&name) => (*full).to_owned(),
        _ => name,
    }
}

fn refuse_body(rejection: &BytesRejection, limit: u64) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Error::BodyTooLarge { limit }
    } else {
        Error::IncompleteBody
    }
}

async fn respond(state: &AppState, asked: Result<Asked, Error>, call: Call) -> Response {
    let operation = asked.as_ref().ok().and_then(|asked| abacus_operations::find(&asked.operation));
    let about = About(operation.map_or(OTHER, Operation::name));
    let result = match asked {
        Ok(asked) => compute(state, asked, call).await,
        Err(error) => Err(error.into()),
    };
    let mut response = result.into_response();
    response.extensions_mut().insert(about);
    response
}

/// Refuses what the processor would refuse, then exchanges the request for its answer.
async fn compute(state: &AppState, asked: Asked, call: Call) -> Result<Response, Failure> {
    let prepared = abacus_operations::prepare(&asked.operation, &asked.operands, &state.limits)?;
    let mut permit = state.protection.admit(&call.caller, call.from, load(&prepared)).await?;
    let id = Uuid::now_v7();
    let request = ComputeRequested {
        request_id: id.to_string(),
        operation: asked.operation,
        operands: asked.operands,
        requester: call.caller.requester().map(str::to_owned),
        source: SOURCE.to_owned(),
        requested_at: Timestamp::now(),
    };
    let traceparent = call.traceparent.as_ref().map(HeaderValue::as_bytes);
    let answer = state.exchange.ask(id, &request, traceparent).await.map_err(Failure::of(id))?;
    let computation = match answer {
        Some(event) => {
            permit.mark_answered();
            Computation::succeeded(id, event).map_err(Failure::of(id))?
        }
        None => Computation::pending(id, request),
    };
    let mut response = computation.into_response(call.format);
    permit.write(response.headers_mut());
    Ok(response)
}

/// What a computation takes of us.
fn load(prepared: &Prepared) -> Load {
    Load { cost: prepared.cost(), bytes: prepared.estimated_digits() }
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
