//! Response bodies that keep a value, such as a permit, until they are written.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};

/// Keeps `guard` until the last of `bytes` is written.
///
/// hyper drops a body as soon as it takes the last piece for writing; only the piece itself lives until its bytes are
/// written.
pub fn hold_until_written<T: Send + 'static>(bytes: Bytes, guard: T) -> Bytes {
    Bytes::from_owner(GuardedBytes { bytes, _guard: guard })
}

/// Keeps `guards` until the body of the response is written, or given up.
pub fn hold_body_until_written<T: Send + Sync + 'static>(
    response: Response,
    guards: Vec<T>,
) -> Response {
    if guards.is_empty() {
        return response;
    }
    let guards = Arc::new(guards);
    response.map(|body| Body::new(GuardedBody { body, guards }))
}

struct GuardedBytes<T> {
    bytes: Bytes,
    _guard: T,
}

impl<T> AsRef<[u8]> for GuardedBytes<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

struct GuardedBody<T> {
    body: Body,
    guards: Arc<Vec<T>>,
}

impl<T: Send + Sync + 'static> HttpBody for GuardedBody<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let guarded = |bytes| hold_until_written(bytes, Arc::clone(&self.guards));
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(guarded))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
