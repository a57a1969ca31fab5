//! `GET /v1/computations/{id}`: the state of a request, now or after a wait.

use abacus_http::fields::prefer::PREFERENCE_APPLIED;
use abacus_http::fields::traceparent::TRACEPARENT;
use axum::extract::State;
use axum::response::Response;

use super::call::Call;
use super::descriptions::{ConditionHeaders, Conditional, PreferHeader, ResultQuery};
use super::path::{TextPath, read_id};
use super::state::Shared;
use crate::problems::{Failure, On};
use crate::representation::{Computation, Rendering, Tag, not_modified};

/// Look up
///
/// The state of a request: the result, the failure, or pending. Waits for the end of a pending
/// request up to the preferred time. Every instance answers for every request.
#[utoipa::path(
    get,
    path = "/v1/computations/{id}",
    operation_id = "getComputation",
    tag = "computations",
    params(
        ("id" = Uuid, Path, description = "Id of the request"),
        ResultQuery, PreferHeader, ConditionHeaders,
    ),
    responses(
        (
            status = 200,
            description = "The result or the failure",
            content((Computation = "application/json"), (String = "text/plain")),
            headers(
                ("ETag" = String, description = "Strong: the answer never changes"),
                ("Preference-Applied" = String, description = "The honoured preferences"),
            ),
        ),
        Conditional,
        (
            status = 202,
            description = "The request is pending",
            body = Computation,
            content_type = "application/json",
            headers(
                ("Location" = String, description = "Path of the result"),
                ("Retry-After" = u64, description = "Seconds after which to ask again"),
                ("Preference-Applied" = String, description = "The honoured preferences"),
            ),
        ),
        On<400>, On<401>, On<404>, On<406>, On<422>, On<429>, On<500>, On<503>,
    ),
    security((), ("bearer" = []))
)]
pub(super) async fn show(
    State(state): State<Shared>,
    call: Call,
    path: TextPath,
) -> Result<Response, Failure> {
    let (format, id) = (call.format()?, read_id(path)?);
    state.quotas.admit_read(&call.client).await?;
    let requests = &state.requests;
    let longest = requests.longest_wait();
    let wait = call.prefer.poll_wait(longest);
    let found =
        requests.find(id, &call.client, wait).await.map_err(Failure::with_request_id(id))?;
    let rest = wait.saturating_sub(call.began.elapsed());
    let followed = requests.follow(found, &call.client, rest).await;
    let computation = followed.map_err(Failure::with_request_id(id))?;
    let size = computation.result.as_ref().map_or(0, String::len);
    state.quotas.hold_answer(&call.client, size)?;
    let applied = call.prefer.applied(longest, false);
    let Call { view, conditions, traceparent, began, .. } = call;
    let tag = Tag::of_outcome(&computation, format, view);
    let rendering = Rendering { format, view, conditions: &conditions, tag, began };
    rendering.check_precondition().map_err(Failure::with_request_id(id))?;
    let mut response = match rendering.matching_tag_or_any() {
        Some(tag) => not_modified(tag),
        None => rendering.render(computation).await.map_err(Failure::with_request_id(id))?,
    };
    let headers = response.headers_mut();
    headers.extend(applied.map(|applied| (PREFERENCE_APPLIED, applied)));
    headers.extend(traceparent.map(|traceparent| (TRACEPARENT, traceparent)));
    Ok(response)
}
