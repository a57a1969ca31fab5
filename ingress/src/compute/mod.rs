//! The handlers that compute: by path, by query, by body. They differ in how they read a request;
//! [`submit`] is what happens to all.

pub(crate) mod batch;
pub(crate) mod catalog;
pub(crate) mod submit;

use std::collections::BTreeMap;

use abacus_operations::Operation;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::compute::submit::{Name, submit};
use crate::docs::NewComputation;
use crate::error::Error;
use crate::metrics::{About, OTHER};
use crate::problem::On;
use crate::request::body::{self, Asked};
use crate::request::call::Call;
use crate::request::traceparent::{self, TRACEPARENT};
use crate::results::{
    Computed, ConditionHeaders, Conditional, KeyHeader, Parameters, PreferHeader, ResultQuery,
};
use crate::state::{AppState, Shared};

/// Names that people use in queries, and the operands they stand for.
const SHORT_NAMES: [(&str, &str); 1] = [("exp", "exponent")];

type PathOperands = Path<BTreeMap<String, String>>;
type QueryOperands = Query<Vec<(String, String)>>;

/// By path
///
/// Waits for the result as long as you prefer, and then promises it. The answer is JSON, or the bare
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

/// By query
///
/// As by path. `exp` is taken for `exponent`.
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

/// Compute
///
/// Any operation, by a JSON body. Waits for the result as long as you prefer, and then promises it.
#[utoipa::path(
    post,
    path = "/v1/computations",
    operation_id = "compute",
    tag = "compute",
    params(ResultQuery, PreferHeader, KeyHeader),
    request_body(content = NewComputation, content_type = "application/json"),
    responses(
        Computed,
        On<400>, On<401>, On<406>, On<413>, On<415>, On<422>, On<429>, On<500>, On<503>, On<504>,
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn by_body(
    State(state): State<Shared>,
    call: Call,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let asked = body::check_content_type(&headers)
        .and_then(|()| body.map_err(|rejection| body::refuse_part(&rejection, state.max_body)))
        .and_then(|bytes| body::read(&bytes));
    respond(&state, asked, call).await
}

fn read_query(
    operation: &'static dyn Operation,
    pairs: Vec<(String, String)>,
) -> Result<Asked, Error> {
    let mut operands = BTreeMap::new();
    let operands_of = |(name, _): &(String, String)| !Parameters::NAMES.contains(&name.as_str());
    for (name, text) in pairs.into_iter().filter(operands_of) {
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

async fn respond(state: &AppState, asked: Result<Asked, Error>, call: Call) -> Response {
    let operation = asked.as_ref().ok().and_then(|asked| abacus_operations::find(&asked.operation));
    let about = About(operation.map_or(OTHER, Operation::name));
    let id = Uuid::now_v7();
    let traceparent = call.traceparent.clone().unwrap_or_else(|| traceparent::of(id));
    let result = match asked {
        Ok(asked) => submit(state, asked, &call, Name { id, traceparent: &traceparent }).await,
        Err(error) => Err(call.format().err().unwrap_or(error).into()),
    };
    let mut response = result.into_response();
    // An answer under a key may be that to another request, whose trace it names.
    response.headers_mut().entry(TRACEPARENT).or_insert(traceparent);
    response.extensions_mut().insert(about);
    response
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
