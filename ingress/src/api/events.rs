//! `GET /v1/computations/{id}/events`: the status of a computation as server-sent events, one event
//! for each status.
//!
//! The id of an event is a step of the computation, equal on every instance. A client that
//! reconnects with `Last-Event-ID` therefore receives only new events. A stream may end before the
//! computation; clients of server-sent events reconnect automatically.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};

use super::call::Call;
use super::descriptions::ResultQuery;
use super::edge::LAST_EVENT_ID;
use super::path::{TextPath, read_id};
use super::state::Shared;
use crate::problems::{Failure, On};
use crate::quotas::{WaitKind, WaitPermit};
use crate::representation::Computation;
use crate::requests;

/// Names of the events.
const STATUS: &str = "status";
const PROBLEM: &str = "problem";
/// Longest duration of a stream. Then the client reconnects, and sends the credentials again.
const MAX_DURATION: Duration = Duration::from_mins(1);
/// Silence after which the stream sends a comment, as a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Time after which a client may reconnect.
const RECONNECT: Duration = Duration::from_secs(1);

/// Event ids: the steps of a computation.
const PENDING: &str = "1";
const ENDED: &str = "2";

/// An event of the stream.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "a description")]
struct StatusEvent {
    /// Always `status`.
    event: String,
    /// The step of the computation: `1` while pending, `2` after the end.
    id: String,
    /// The computation, as JSON.
    data: String,
    /// Milliseconds from the end of the stream to the reconnection.
    #[schema(nullable = false)]
    retry: Option<u64>,
}

/// Events
///
/// The status of a request as server-sent events. Each status, up to the final status, gives a
/// `status` event with the computation as JSON. A result that cannot be given in the requested form
/// gives a `problem` event. A stream lasts a minute, or `wait`: reconnect for the rest.
#[utoipa::path(
    get,
    path = "/v1/computations/{id}/events",
    operation_id = "events",
    tag = "computations",
    params(
        ("id" = Uuid, Path, description = "Id of the request"),
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event received"),
        ResultQuery,
    ),
    responses(
        (status = 200, description = "Events", body = StatusEvent, content_type = "text/event-stream"),
        (status = 204, description = "The client has received the final event"),
        On<400>, On<401>, On<404>, On<429>, On<500>, On<503>,
    ),
    security((), ("bearer" = []))
)]
pub(super) async fn stream(
    State(state): State<Shared>,
    call: Call,
    headers: HeaderMap,
    path: TextPath,
) -> Result<Response, Failure> {
    let id = read_id(path)?;
    state.quotas.admit_read(&call.client).await?;
    let wait = call.prefer.poll_wait(MAX_DURATION);
    let found =
        state.requests.find(id, &call.client, wait).await.map_err(Failure::with_request_id(id))?;
    let seen = headers.get(LAST_EVENT_ID).map(|id| id.as_bytes().to_vec());
    if seen.as_deref() == Some(ENDED.as_bytes()) && !found.is_pending() {
        // This status tells the client not to reconnect.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let next = match seen {
        Some(seen) if seen == PENDING.as_bytes() && found.is_pending() => Next::Follow(found),
        _ => Next::Send(found),
    };
    let permit = state.quotas.wait_permit(&call.client, WaitKind::Stream)?;
    let events = Sse::new(events(Reader { state, call, _permit: permit }, next));
    let mut response = events.keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // A proxy that buffers responses would delay the events.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// The next step of a stream.
enum Next {
    Send(Computation),
    Follow(Computation),
    End,
}

/// The reader of one stream.
struct Reader {
    state: Shared,
    call: Call,
    _permit: WaitPermit,
}

fn events(reader: Reader, first: Next) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold((reader, first), move |(reader, next)| async move {
        let computation = match next {
            Next::Send(computation) => computation,
            Next::Follow(computation) => reader.await_end(computation).await?,
            Next::End => return None,
        };
        if computation.is_pending() {
            return Some((Ok(event(&computation)), (reader, Next::Follow(computation))));
        }
        let id = computation.request_id;
        let last =
            match reader.call.view.apply(computation).await.map_err(Failure::with_request_id(id)) {
                Ok(computation) => event(&computation),
                Err(failure) => named_event(PROBLEM, ENDED, failure.to_json()),
            };
        Some((Ok(last), (reader, Next::End)))
    })
}

impl Reader {
    /// Waits for the end of the computation. Returns `None` if the stream ends first.
    async fn await_end(&self, computation: Computation) -> Option<Computation> {
        let Self { state, call, .. } = self;
        let wait = call.prefer.wait.map_or(MAX_DURATION, |_| call.prefer.poll_wait(MAX_DURATION));
        let ended = tokio::select! {
            biased;
            () = state.stopping.requested() => return None,
            ended = state.requests.follow(computation, &call.client, wait) => ended,
        };
        logged(ended).filter(|computation| !computation.is_pending())
    }
}

/// Logs an error. The response has begun, so an error ends the stream without a problem document.
fn logged(result: Result<Computation, requests::Error>) -> Option<Computation> {
    result.inspect_err(|error| tracing::debug!(%error, "an event stream ends early")).ok()
}

fn event(computation: &Computation) -> Event {
    let id = if computation.is_pending() { PENDING } else { ENDED };
    named_event(STATUS, id, computation.to_json())
}

fn named_event(name: &str, id: &str, json: Vec<u8>) -> Event {
    let json = String::from_utf8(json).unwrap_or_default();
    Event::default().event(name).id(id).retry(RECONNECT).data(json)
}
