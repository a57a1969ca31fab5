//! Timeouts of a connection: for the head of a request, for an idle connection, and for reading the
//! answer.
//!
//! Only the server knows the begin and the end of a request, and tells the stream through
//! [`Activity`]. The sender need not send anything while a request is in progress; the body has a
//! separate time limit.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use abacus_runtime::{ByteSize, Config, Environment};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::Metrics;

/// Timeouts of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// Time for the head of a request.
    pub(super) head: Duration,
    /// Time without a request.
    pub(super) idle: Duration,
    /// Time limit for unread written bytes.
    pub(super) write: Duration,
    /// Slowest reading of an answer in the long run, in bytes a second.
    pub(super) pace: u64,
}

impl Config for Timeouts {
    fn read(env: &mut Environment) -> Self {
        Self {
            head: env.get(
                "ABACUS_HEADER_TIMEOUT",
                "10s",
                "Time limit of the head of a request; slower connections are closed",
            ),
            idle: env.get(
                "ABACUS_IDLE_TIMEOUT",
                "75s",
                "How long a connection may be open without a request",
            ),
            write: env.get(
                "ABACUS_WRITE_TIMEOUT",
                "30s",
                "How long a caller may leave an answer unread before the connection is closed",
            ),
            pace: env
                .get::<ByteSize>(
                    "ABACUS_WRITE_PACE",
                    "8KiB",
                    "Bytes of an answer that a caller must read each second, in the long run; slower connections are closed",
                )
                .as_u64(),
        }
    }
}

impl Timeouts {
    /// Time to read `bytes` bytes at the slowest pace.
    fn time_for(self, bytes: usize) -> Duration {
        let nanos = 1_000_000_000_u128 * bytes as u128 / u128::from(self.pace.max(1));
        u64::try_from(nanos).map_or(self.write, Duration::from_nanos)
    }
}

/// Tells whether a request is in progress.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Turns>);

#[derive(Debug)]
struct Turns {
    /// Odd while a request is in progress.
    turn: AtomicU32,
    /// End of the last request, in microseconds since `start`.
    ended: AtomicU64,
    start: Instant,
}

/// A request in progress, until this is dropped.
#[derive(Debug)]
pub(super) struct Busy(Activity);

impl Activity {
    pub(super) fn new() -> Self {
        let (turn, ended) = (AtomicU32::new(0), AtomicU64::new(0));
        Self(Arc::new(Turns { turn, ended, start: Instant::now() }))
    }

    pub(super) fn begin(&self) -> Busy {
        self.0.turn.fetch_add(1, Ordering::AcqRel);
        Busy(self.clone())
    }

    pub(super) fn is_busy(&self) -> bool {
        self.turn() % 2 == 1
    }

    fn turn(&self) -> u32 {
        self.0.turn.load(Ordering::Acquire)
    }

    fn idle_since(&self) -> Instant {
        self.0.start + Duration::from_micros(self.0.ended.load(Ordering::Acquire))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let turns = &self.0.0;
        let ended = u64::try_from(turns.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        turns.ended.store(ended, Ordering::Release);
        turns.turn.fetch_add(1, Ordering::AcqRel);
    }
}

/// A stream under [`Timeouts`].
pub(super) struct TimedStream {
    stream: TcpStream,
    timeouts: Timeouts,
    activity: Activity,
    /// The turn of `awaited`.
    turn: u32,
    awaited: Awaited,
    deadline: Instant,
    alarm: Pin<Box<Sleep>>,
    /// Set while written bytes stay unread.
    unread: Option<Pin<Box<Sleep>>>,
    metrics: Metrics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// The rest of a head, or the first head of a connection.
    Head,
    /// The next request.
    Request,
}

impl Awaited {
    fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Request => "idle",
        }
    }
}

impl TimedStream {
    pub(super) fn new(
        stream: TcpStream,
        timeouts: Timeouts,
        activity: Activity,
        metrics: Metrics,
    ) -> Self {
        let deadline = Instant::now() + timeouts.head;
        let alarm = Box::pin(sleep_until(deadline));
        let (turn, awaited) = (activity.turn(), Awaited::Head);
        Self { stream, timeouts, activity, turn, awaited, deadline, alarm, unread: None, metrics }
    }

    /// Notes the arrival of bytes. The first bytes of a head start the head's time limit.
    fn note_read(&mut self) {
        let turn = self.activity.turn();
        let is_first = turn != self.turn || self.awaited == Awaited::Request;
        if is_first && !self.activity.is_busy() {
            self.expect(turn, Awaited::Head, Instant::now() + self.timeouts.head);
        }
    }

    fn expect(&mut self, turn: u32, awaited: Awaited, deadline: Instant) {
        self.turn = turn;
        self.awaited = awaited;
        self.deadline = deadline;
    }

    /// Returns an error once awaited bytes are overdue.
    ///
    /// The alarm is reset only if it would ring too late or has rung too early: a busy connection
    /// does not touch the timer at every request. The alarm is also set while a request is in
    /// progress, because the end of a request does not poll this stream.
    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            let turn = self.activity.turn();
            let is_busy = self.activity.is_busy();
            if !is_busy && turn != self.turn {
                let deadline = self.activity.idle_since() + self.timeouts.idle;
                self.expect(turn, Awaited::Request, deadline);
            }
            if !is_busy && self.alarm.deadline() > self.deadline {
                self.alarm.as_mut().reset(self.deadline);
            }
            ready!(self.alarm.as_mut().poll(cx));
            let now = Instant::now();
            let next = if is_busy { now + self.timeouts.idle } else { self.deadline };
            if next <= now {
                return Poll::Ready(self.time_out(self.awaited.name()));
            }
            self.alarm.as_mut().reset(next);
        }
    }

    /// Limits the time for unread written bytes. Each byte read by the client extends the time at
    /// the slowest pace: a slow trickle runs out of time too.
    fn poll_written(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let latest = Instant::now() + self.timeouts.write;
        if let Poll::Ready(written) = written {
            if let (Some(alarm), Ok(bytes)) = (&mut self.unread, &written) {
                let earned = self.timeouts.time_for(*bytes);
                let next = alarm.deadline() + earned;
                alarm.as_mut().reset(next.min(latest));
            }
            return Poll::Ready(written);
        }
        let alarm = self.unread.get_or_insert_with(|| Box::pin(sleep_until(latest)));
        ready!(alarm.as_mut().poll(cx));
        Poll::Ready(Err(self.time_out("write")))
    }

    fn time_out(&self, reason: &'static str) -> io::Error {
        self.metrics.connections_ended.with_label_values(&[reason]).inc();
        io::Error::new(io::ErrorKind::TimedOut, reason)
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_pending() {
            return self.poll_timeout(cx).map(Err);
        }
        if buf.filled().len() > before {
            self.note_read();
        }
        read
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.poll_written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.poll_written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called once everything is written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unread = None;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
