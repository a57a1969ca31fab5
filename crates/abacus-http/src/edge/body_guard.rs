//! Response bodies with a guard, for example a permit. The guard lives until the body is sent, or
//! until the body is written.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Response;
use hyper::body::{Frame, SizeHint};

/// Keeps `guard` until the response is sent, or given up.
pub(crate) fn hold_until_sent<T>(response: Response<Body>, guard: T) -> Response<HeldUntilSent<T>> {
    response.map(|body| HeldUntilSent { body, _guard: guard })
}

/// Keeps `guard` until the last of `bytes` is written.
///
/// hyper drops a body when taking the last piece for writing; only the piece lives until the bytes
/// are written.
pub fn hold_until_written<T: Send + 'static>(bytes: Bytes, guard: T) -> Bytes {
    Bytes::from_owner(GuardedBytes { bytes, _guard: guard })
}

/// Keeps `guards` until the body of the response is written, or given up.
pub fn hold_body_until_written<T: Send + Sync + 'static>(
    response: Response<Body>,
    guards: Vec<T>,
) -> Response<Body> {
    if guards.is_empty() {
        return response;
    }
    let guards = Arc::new(guards);
    response.map(|body| Body::new(HeldUntilWritten { body, guards }))
}

/// A body with a guard, dropped when hyper has taken the last piece.
pub(crate) struct HeldUntilSent<T> {
    body: Body,
    _guard: T,
}

/// A body with guards in each piece.
struct HeldUntilWritten<T> {
    body: Body,
    guards: Arc<Vec<T>>,
}

struct GuardedBytes<T> {
    bytes: Bytes,
    _guard: T,
}

impl<T: Unpin> HttpBody for HeldUntilSent<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<T: Send + Sync + 'static> HttpBody for HeldUntilWritten<T> {
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

impl<T> AsRef<[u8]> for GuardedBytes<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
