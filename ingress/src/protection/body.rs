//! Request bodies that come in time: a little at least now and then, and all of it in the end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use abacus_runtime::{Config, Environment};
use axum::body::{Body, Bytes, HttpBody};
use axum::http::Response;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// How slow a body may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// From the head to the end of the body.
    pub(super) total: Duration,
    /// Between two pieces.
    pub(super) pause: Duration,
}

impl Config for Pace {
    fn read(env: &mut Environment) -> Self {
        Self {
            total: env.get(
                "ABACUS_BODY_TIMEOUT",
                "30s",
                "How long a request's body may take to come; slower ones are answered 408",
            ),
            pause: env.get(
                "ABACUS_BODY_PAUSE",
                "10s",
                "Longest pause between two pieces of a request's body",
            ),
        }
    }
}

/// What became of a body, for those who have only the answer.
#[derive(Clone, Debug)]
pub(super) struct Watch(Arc<AtomicU8>);

const UNREAD: u8 = 0;
const READ: u8 = 1;
const TOO_SLOW: u8 = 2;

/// A request's body under a [`Pace`].
pub(super) struct TimedBody {
    body: Body,
    pace: Pace,
    end: Instant,
    alarm: Pin<Box<Sleep>>,
    watch: Watch,
}

impl TimedBody {
    pub(super) fn new(body: Body, pace: Pace) -> (Self, Watch) {
        let now = Instant::now();
        let end = now + pace.total;
        let watch = Watch(Arc::new(AtomicU8::new(UNREAD)));
        let alarm = Box::pin(sleep_until(end.min(now + pace.pause)));
        (Self { body, pace, end, alarm, watch: watch.clone() }, watch)
    }
}

impl Watch {
    /// Whether all of it was read; what is left stands in the way of the next request.
    pub(super) fn is_read(&self) -> bool {
        self.0.load(Ordering::Relaxed) == READ
    }

    pub(super) fn is_too_slow(&self) -> bool {
        self.0.load(Ordering::Relaxed) == TOO_SLOW
    }

    fn set(&self, state: u8) {
        self.0.store(state, Ordering::Relaxed);
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            ready!(this.alarm.as_mut().poll(cx));
            this.watch.set(TOO_SLOW);
            let error = io::Error::new(io::ErrorKind::TimedOut, "the body did not come in time");
            return Poll::Ready(Some(Err(axum::Error::new(error))));
        };
        let next = this.end.min(Instant::now() + this.pace.pause);
        this.alarm.as_mut().reset(next);
        if frame.is_none() || this.body.is_end_stream() {
            this.watch.set(READ);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response's body that keeps something until it is sent.
pub(crate) struct HoldingBody<T> {
    body: Body,
    _held: T,
}

/// Keeps `held` until the response is sent, or given up.
pub(crate) fn hold_until_sent<T>(response: Response<Body>, held: T) -> Response<HoldingBody<T>> {
    response.map(|body| HoldingBody { body, _held: held })
}

impl<T: Unpin> HttpBody for HoldingBody<T> {
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
