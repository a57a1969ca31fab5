//! What one request has taken of us: the units that its caller is told of, and the memory that its
//! answer holds until it is written.
//!
//! Whatever is let in while a request is handled is noted here, so that no handler can forget it. What
//! is let in later, while the answer is being made piece by piece, is the handler's affair
//! ([`hold_until_written`]).

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};

use super::admission::Room;
use super::fields::{Policy, RATE_LIMIT_POLICY};
use super::limiter::Standing;

tokio::task_local! {
    static CHARGES: RefCell<Charges>;
}

/// What a request has taken.
#[derive(Default)]
pub(crate) struct Charges {
    standings: Vec<(Policy, Standing)>,
    rooms: Vec<Room>,
}

/// Waits for an answer, and tells what it has taken.
pub(crate) async fn charged(answer: impl Future<Output = Response>) -> (Response, Charges) {
    let noted = async {
        let response = answer.await;
        (response, CHARGES.with(RefCell::take))
    };
    CHARGES.scope(RefCell::default(), noted).await
}

/// Notes that units were taken.
pub(super) fn note(policy: &Policy, standing: Standing) {
    let note = |charges: &RefCell<Charges>| {
        charges.borrow_mut().standings.push((policy.clone(), standing));
    };
    // Nobody is left to be told of it where the answer has begun.
    let _ = CHARGES.try_with(note);
}

/// Gives the room to the answer that is being made; back if that has begun already.
pub(super) fn hold(room: Room) -> Option<Room> {
    let mut room = Some(room);
    let hold = |charges: &RefCell<Charges>| charges.borrow_mut().rooms.extend(room.take());
    let _ = CHARGES.try_with(hold);
    room
}

impl Charges {
    /// Tells the caller what is left of the allowances: `RateLimit` and `RateLimit-Policy`. A refusal
    /// tells of the one that it is about.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if headers.contains_key(RATE_LIMIT_POLICY) {
            return;
        }
        for (policy, standing) in &self.standings {
            policy.write(*standing, headers);
        }
    }

    /// Keeps the memory counted until the answer is written, or given up.
    pub(crate) fn hold(self, response: Response) -> Response {
        if self.rooms.is_empty() {
            return response;
        }
        let rooms = Arc::new(self.rooms);
        response.map(|body| Body::new(CountedBody { body, rooms }))
    }
}

/// Keeps `held` until the last of `bytes` is written.
///
/// A body is dropped as soon as its last piece is taken to be written; only the piece itself lives as
/// long as its bytes do.
pub(crate) fn hold_until_written<T: Send + 'static>(bytes: Bytes, held: T) -> Bytes {
    Bytes::from_owner(Piece { bytes, _held: held })
}

struct Piece<T> {
    bytes: Bytes,
    _held: T,
}

impl<T> AsRef<[u8]> for Piece<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

struct CountedBody {
    body: Body,
    rooms: Arc<Vec<Room>>,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let counted = |bytes| hold_until_written(bytes, Arc::clone(&self.rooms));
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(counted))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
