//! The middleware of all requests: edge checks, security headers, and a request id for each answer.

use abacus_http::fields::request_id::{self, REQUEST_ID};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;

use super::state::Shared;
use crate::problems::Failure;

/// Checks the limits of one request, and completes the headers of the answer.
pub(super) async fn guard(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let edge = &state.edge;
    let id = request_id::from_headers(request.headers());
    let checked = edge.check(&request);
    let (request, watch) = edge.watch(request);
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(error) => Failure::from(error).into_response(),
    };
    if let Some(watch) = watch {
        response = edge.finish_body(&watch, response);
    }
    edge.secure(&mut response);
    // An answer about a computation already has the computation's id.
    let new_id = || request_id::to_header(Uuid::now_v7());
    response.headers_mut().entry(REQUEST_ID).or_insert_with(|| id.unwrap_or_else(new_id));
    response
}
