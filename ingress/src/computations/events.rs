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

use crate::computations::attach;
use crate::computations::computation::Computation;
use crate::computations::lookup::read_id;
use crate::error::Error;
use crate::problem::{Failure, On};
use crate::protection::{Seat, Stay};
use crate::request::call::Call;
use crate::results::ResultQuery;
use crate::state::Shared;

const LAST_EVENT_ID: &str = "last-event-id";
/// The names of the events.
const STATUS: &str = "status";
const PROBLEM: &str = "problem";
/// The longest life of a stream. Whoever still waits comes back, and shows credentials that hold still.
const LONGEST: Duration = Duration::from_mins(1);
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
/// each status, up to the final one; or a `problem` event, if the result cannot be given as it is wanted.
/// A stream lasts a minute, or `wait`: come back for the rest.
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
    let wait = call.prefer.poll_patience(LONGEST);
    let found = attach::find(&state, id, &call, wait).await.map_err(Failure::of(id))?;
    let seen = headers.get(LAST_EVENT_ID).map(|id| id.as_bytes().to_vec());
    if seen.as_deref() == Some(ENDED.as_bytes()) && !found.is_pending() {
        // Which tells the client not to come back.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let next = match seen {
        Some(seen) if seen == PENDING.as_bytes() && found.is_pending() => Next::Follow(found),
        _ => Next::Tell(found),
    };
    let seat = state.protection.sit(&call.caller, call.from, Stay::Stream)?;
    let events = Sse::new(events(Reader { state, call, _seat: seat }, next));
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

/// One who reads a stream.
struct Reader {
    state: Shared,
    call: Call,
    _seat: Seat,
}

fn events(reader: Reader, first: Next) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold((reader, first), move |(reader, next)| async move {
        let computation = match next {
            Next::Tell(computation) => computation,
            Next::Follow(computation) => reader.end_of(computation).await?,
            Next::End => return None,
        };
        if computation.is_pending() {
            return Some((Ok(event(&computation)), (reader, Next::Follow(computation))));
        }
        let id = computation.request_id;
        let last = match reader.call.view.of(computation).await.map_err(Failure::of(id)) {
            Ok(computation) => event(&computation),
            Err(failure) => told(PROBLEM, ENDED, failure.to_json()),
        };
        Some((Ok(last), (reader, Next::End)))
    })
}

impl Reader {
    /// The computation at its end; `None` if the stream ends first.
    async fn end_of(&self, computation: Computation) -> Option<Computation> {
        let Self { state, call, .. } = self;
        let wait = call.prefer.wait.map_or(LONGEST, |_| call.prefer.poll_patience(LONGEST));
        let ended = tokio::select! {
            biased;
            () = state.stopping.requested() => return None,
            ended = attach::follow(state, computation, call, wait) => ended,
        };
        noted(ended).filter(|computation| !computation.is_pending())
    }
}

/// The stream has begun, so an error can only end it.
fn noted(result: Result<Computation, Error>) -> Option<Computation> {
    let noted =
        result.inspect_err(|error| tracing::debug!(%error, "a stream of events ends early"));
    noted.ok()
}

fn event(computation: &Computation) -> Event {
    let id = if computation.is_pending() { PENDING } else { ENDED };
    told(STATUS, id, computation.to_json())
}

fn told(name: &str, id: &str, json: Vec<u8>) -> Event {
    let json = String::from_utf8(json).unwrap_or_default();
    Event::default().event(name).id(id).retry(COME_BACK).data(json)
}
