//! `GET /v1/computations/{id}`: what became of a request, from the request log.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use uuid::Uuid;

use crate::call::Call;
use crate::computation::Computation;
use crate::error::Error;
use crate::problem::{Failure, On};
use crate::state::Shared;

/// What became of a request
///
/// The result may be seconds late in coming here: it is asked of the request log.
#[utoipa::path(
    get,
    path = "/v1/computations/{id}",
    operation_id = "getComputation",
    tag = "computations",
    params(("id" = Uuid, Path, description = "The request's id")),
    responses(
        (
            status = 200,
            description = "The request, and its result if it succeeded",
            content((Computation = "application/json"), (String = "text/plain")),
        ),
        (
            status = 202,
            description = "There is no result yet",
            body = Computation,
            content_type = "application/json",
        ),
        On<400>, On<404>, On<406>, On<503>,
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn show(
    State(state): State<Shared>,
    call: Call,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Failure> {
    let Path(given) = path.map_err(|rejection| Error::MalformedUrl(rejection.body_text()))?;
    let id = Uuid::parse_str(&given).map_err(|_| Error::MalformedId { given })?;
    let found = state.log.find(id).await.map_err(Failure::of(id))?;
    let computation = found.ok_or(Error::NoSuchComputation { id }).map_err(Failure::of(id))?;
    Ok(computation.into_response(call.format))
}
