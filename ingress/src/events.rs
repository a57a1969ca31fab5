//! `GET /v1/computations/{id}/events`: a computation's status as server-sent events, one for each
//! status it has, until the final one.
//!
//! Event ids are steps, the same on every instance, so a client that comes back with `Last-Event-ID`
//! is told only what it has not seen. A stream may end before the computation does: clients of
//! server-sent events come back by themselves.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};

use crate::attach;
use crate::call::Call;
use crate::computation::Computation;
use crate::error::Error;
use crate::lookup::read_id;
use crate::problem::{Failure, On};
use crate::results::{ResultQuery, View};
use crate::state::Shared;

const LAST_EVENT_ID: &str = "last-event-id";
/// The name of the events.
const STATUS: &str = "status";
/// The longest life of a stream; whoever still waits comes back.
const LONGEST: Duration = Duration::from_mins(10);
/// After how much silence a comment shows that the stream is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What clients are told to wait before they come back.
const COME_BACK: Duration = Duration::from_secs(1);

/// The steps of a computation, which are the ids of its events.
const PENDING: &str = "1";
const ENDED: &str = "2";

/// An event of the stream.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "a description")]
struct StatusEvent {
    /// Always `status`.
    event: String,
    /// The step of the computation: `1` while it is pending, `2` when it has ended.
    id: String,
    /// The computation, as JSON.
    data: String,
    /// Milliseconds after which to come back when the stream breaks off.
    #[schema(nullable = false)]
    retry: Option<u64>,
}

/// Events
///
/// The status of a request as server-sent events: `status` events with the computation as JSON, one for
/// each status, up to the final one.
#[utoipa::path(
    get,
    path = "/v1/computations/{id}/events",
    operation_id = "events",
    tag = "computations",
    params(
        ("id" = Uuid, Path, description = "The id of the request"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that was seen"),
        ResultQuery,
    ),
    responses(
        (status = 200, description = "Events", body = StatusEvent, content_type = "text/event-stream"),
        (status = 204, description = "The final event was seen: there is nothing to come back for"),
        On<400>, On<401>, On<404>, On<429>, On<500>, On<503>,
    ),
    security((), ("bearer" = []))
)]
pub(crate) async fn stream(
    State(state): State<Shared>,
    call: Call,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Failure> {
    let id = read_id(path)?;
    state.protection.admit_read(&call.caller, call.from).await?;
    let found = attach::find(&state, id, &call.caller).await.map_err(Failure::of(id))?;
    let seen = headers.get(LAST_EVENT_ID).map(|id| id.as_bytes().to_vec());
    if seen.as_deref() == Some(ENDED.as_bytes()) && !found.is_pending() {
        // Which tells the client not to come back.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let next = match seen {
        Some(seen) if seen == PENDING.as_bytes() && found.is_pending() => Next::Follow(found),
        _ => Next::Tell(found),
    };
    let events = Sse::new(events(state, call.view, next));
    let mut response = events.keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // Proxies that gather a response before they hand it on would hold the events back.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

enum Next {
    Tell(Computation),
    Follow(Computation),
    End,
}

fn events(state: Shared, view: View, first: Next) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold((state, first), move |(state, next)| async move {
        let computation = match next {
            Next::Tell(computation) => computation,
            Next::Follow(computation) => end_of(&state, computation).await?,
            Next::End => return None,
        };
        if computation.is_pending() {
            return Some((Ok(event(&computation)), (state, Next::Follow(computation))));
        }
        let computation = noted(view.of(computation).await)?;
        Some((Ok(event(&computation)), (state, Next::End)))
    })
}

/// The computation at its end; `None` if the stream ends first.
async fn end_of(state: &Shared, computation: Computation) -> Option<Computation> {
    let ended = tokio::select! {
        biased;
        () = state.stopping.requested() => return None,
        ended = attach::follow(state, computation, LONGEST) => ended,
    };
    noted(ended).filter(|computation| !computation.is_pending())
}

/// The stream has begun, so an error can only end it.
fn noted(result: Result<Computation, Error>) -> Option<Computation> {
    let noted =
        result.inspect_err(|error| tracing::debug!(%error, "a stream of events ends early"));
    noted.ok()
}

fn event(computation: &Computation) -> Event {
    let id = if computation.is_pending() { PENDING } else { ENDED };
    let json = String::from_utf8(computation.to_json()).unwrap_or_default();
    Event::default().event(STATUS).id(id).retry(COME_BACK).data(json)
}
