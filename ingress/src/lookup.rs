//! `GET /v1/computations/{id}`: what became of a request, from the request log.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use uuid::Uuid;

use crate::call::Call;
use crate::error::Error;
use crate::problem::Failure;
use crate::state::Shared;

/// The handler.
pub(crate) async fn show(
    State(state): State<Shared>,
    call: Call,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Failure> {
    let Path(given) = path.map_err(|rejection| Error::MalformedUrl(rejection.body_text()))?;
    let id = Uuid::parse_str(&given).map_err(|_| Error::MalformedId { given })?;
    state.protection.admit_read(&call.caller, call.from).await?;
    let found = state.log.find(id).await.map_err(Failure::of(id))?;
    let computation = found.ok_or(Error::NoSuchComputation { id }).map_err(Failure::of(id))?;
    Ok(computation.into_response(call.format))
}
