//! `GET /v1/computations/{id}`: what became of a request, now or within a wait.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use uuid::Uuid;

use crate::computations::attach::{self, left};
use crate::computations::computation::Computation;
use crate::error::Error;
use crate::problem::{Failure, On};
use crate::request::call::Call;
use crate::request::prefer::PREFERENCE_APPLIED;
use crate::request::traceparent::TRACEPARENT;
use crate::results::{
    ConditionHeaders, Conditional, PreferHeader, Rendering, ResultQuery, Tag, not_modified,
};
use crate::state::Shared;

/// Look up
///
/// What became of a request: its result, its failure, or that it is pending, which is waited out as long
/// as you prefer. Any instance knows.
#[utoipa::path(
    get,
    path = "/v1/computations/{id}",
    operation_id = "getComputation",
    tag = "computations",
    params(
        ("id" = Uuid, Path, description = "The request's id"),
        ResultQuery, PreferHeader, ConditionHeaders,
    ),
    responses(
        (
            status = 200,
            description = "What it came to: its result, or its failure",
            content((Computation = "application/json"), (String = "text/plain")),
            headers(
                ("ETag" = String, description = "Strong: the answer never changes"),
                ("Preference-Applied" = String, description = "The preferences that were honoured"),
            ),
        ),
        Conditional,
        (
            status = 202,
            description = "There is no result yet",
            body = Computation,
            content_type = "application/json",
            headers(
                ("Location" = String, description = "Where the result will be"),
                ("Retry-After" = u64, description = "Seconds after which asking makes sense"),
                ("Preference-Applied" = String, description = "The preferences that were honoured"),
            ),
        ),
        On<400>, On<401>, On<404>, On<406>, On<422>, On<429>, On<500>, On<503>,
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn show(
    State(state): State<Shared>,
    call: Call,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Failure> {
    let (format, id) = (call.format()?, read_id(path)?);
    state.protection.admit_read(&call.caller, call.from).await?;
    let most = state.exchange.wait;
    let wait = call.prefer.poll_patience(most);
    let found = attach::find(&state, id, &call, wait).await.map_err(Failure::of(id))?;
    let rest = left(call.began, wait);
    let computation = attach::follow(&state, found, &call, rest).await.map_err(Failure::of(id))?;
    let size = computation.result.as_ref().map_or(0, |result| result.result.len());
    state.protection.hold_answer(&call.caller, call.from, size)?;
    let applied = call.prefer.applied(most, false);
    let Call { view, conditions, traceparent, began, .. } = call;
    let tag = Tag::of_computation(&computation, format, view);
    let rendering = Rendering { format, view, conditions: &conditions, tag, began };
    let mut response = match rendering.known_or_any() {
        Some(tag) => not_modified(tag),
        None => rendering.render(computation).await?,
    };
    let headers = response.headers_mut();
    headers.extend(applied.map(|applied| (PREFERENCE_APPLIED, applied)));
    headers.extend(traceparent.map(|traceparent| (TRACEPARENT, traceparent)));
    Ok(response)
}

/// The id in a path.
pub(crate) fn read_id(path: Result<Path<String>, PathRejection>) -> Result<Uuid, Error> {
    let Path(given) = path.map_err(|rejection| Error::MalformedUrl(rejection.body_text()))?;
    Uuid::parse_str(&given).map_err(|_| Error::MalformedId { given })
}
