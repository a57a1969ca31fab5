//! Time limits of request bodies: for the whole body, and between two pieces.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use abacus_runtime::{Config, Environment};
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// Time limits of a request body.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time from the head to the end of the body.
    pub total: Duration,
    /// Longest pause between two pieces.
    pub pause: Duration,
}

impl Config for Pace {
    fn read(env: &mut Environment) -> Self {
        Self {
            total: env.get(
                "ABACUS_BODY_TIMEOUT",
                "30s",
                "Time limit of a request body; slower ones are answered 408",
            ),
            pause: env.get(
                "ABACUS_BODY_PAUSE",
                "10s",
                "Longest pause between two pieces of a request's body",
            ),
        }
    }
}

/// State of a request body, for code without access to the body.
#[derive(Clone, Debug)]
pub struct BodyWatch(Arc<AtomicU8>);

const UNREAD: u8 = 0;
const READ: u8 = 1;
const TOO_SLOW: u8 = 2;

/// A request body under a [`Pace`].
pub struct TimedBody {
    body: Body,
    pace: Pace,
    end: Instant,
    alarm: Pin<Box<Sleep>>,
    watch: BodyWatch,
}

impl TimedBody {
    /// Starts the time limits of `body`.
    pub fn new(body: Body, pace: Pace) -> (Self, BodyWatch) {
        let now = Instant::now();
        let end = now + pace.total;
        let watch = BodyWatch(Arc::new(AtomicU8::new(UNREAD)));
        let alarm = Box::pin(sleep_until(end.min(now + pace.pause)));
        (Self { body, pace, end, alarm, watch: watch.clone() }, watch)
    }
}

impl BodyWatch {
    /// Returns `true` if the body was read to the end. An unread rest blocks the next request of
    /// the connection.
    pub fn is_read(&self) -> bool {
        self.0.load(Ordering::Relaxed) == READ
    }

    /// Returns `true` if the body exceeded a time limit.
    pub fn is_too_slow(&self) -> bool {
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

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const NEVER: Duration = Duration::from_hours(1);

    /// A body that never comes.
    struct Silent;

    impl HttpBody for Silent {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_has_a_time_limit_and_so_has_a_pause() {
        for pace in [Pace { total: SOON, pause: NEVER }, Pace { total: NEVER, pause: SOON }] {
            let (body, watch) = TimedBody::new(Body::new(Silent), pace);
            assert!(to_bytes(Body::new(body), usize::MAX).await.is_err(), "{pace:?}");
            assert!(watch.is_too_slow() && !watch.is_read(), "{pace:?}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_once_its_end_is_reached() {
        let pace = Pace { total: NEVER, pause: NEVER };
        let (body, watch) = TimedBody::new(Body::from("abc"), pace);
        assert!(!watch.is_read());
        assert_eq!(to_bytes(Body::new(body), usize::MAX).await.unwrap(), "abc");
        assert!(watch.is_read() && !watch.is_too_slow());
    }
}
