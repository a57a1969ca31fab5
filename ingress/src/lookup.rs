//! `GET /v1/computations/{id}`: what became of a request, now or within a wait.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use uuid::Uuid;

use crate::attach;
use crate::call::Call;
use crate::error::Error;
use crate::prefer::PREFERENCE_APPLIED;
use crate::problem::Failure;
use crate::state::Shared;

/// The handler.
pub(crate) async fn show(
    State(state): State<Shared>,
    call: Call,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Failure> {
    let id = read_id(path)?;
    let most = state.exchange.wait;
    let found = attach::find(&state, id, &call.caller).await.map_err(Failure::of(id))?;
    let wait = call.prefer.poll_patience(most);
    let computation = attach::follow(&state, found, wait).await.map_err(Failure::of(id))?;
    let applied = call.prefer.applied(most, false);
    let mut response = computation.into_response(call.format);
    response.headers_mut().extend(applied.map(|applied| (PREFERENCE_APPLIED, applied)));
    Ok(response)
}

pub(crate) fn read_id(path: Result<Path<String>, PathRejection>) -> Result<Uuid, Error> {
    let Path(given) = path.map_err(|rejection| Error::MalformedUrl(rejection.body_text()))?;
    Uuid::parse_str(&given).map_err(|_| Error::MalformedId { given })
}
