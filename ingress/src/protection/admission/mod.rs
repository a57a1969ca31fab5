//! Who is let in while how much is under way.
//!
//! Three things can be used up: a caller's share of the waiters ([`callers`]), so that one caller's
//! flood leaves room for the others; the memory for requests in flight; and the callers' patience,
//! when the queue is longer than is worked off in time ([`queue`]). How many may wait in all is not
//! decided here but by the [`Waiters`](crate::exchange::waiters::Waiters), who have the room.
//!
//! A [`Place`] is a computation's turn, up to the reply; a [`Room`] is the memory for its answer, until
//! that is written, as a slow reader holds on to it long after the reply. Dropping them makes them free
//! again.

mod callers;
mod queue;
mod seat;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use abacus_runtime::{ByteSize, Config, Environment};

use self::callers::{Callers, Share};
use self::queue::Queue;
use super::Load;
use super::metrics::Metrics;
use super::subject::Subject;

pub(crate) use self::seat::{Seat, Stay};

/// Word operations from which the processors compute apart from the rest, by their default: such
/// computations queue for themselves.
const HEAVY: u64 = 10_000_000;

/// How much may be under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdmissionConfig {
    max_bytes: ByteSize,
    max_delay: Duration,
    share: u8,
}

impl Config for AdmissionConfig {
    fn read(env: &mut Environment) -> Self {
        let config = Self {
            max_bytes: env.get(
                "ABACUS_MAX_IN_FLIGHT_BYTES",
                "512MiB",
                "Memory for the results of the requests under way, by estimate, until they are written; more are answered 503",
            ),
            max_delay: env.get(
                "ABACUS_MAX_QUEUE_DELAY",
                "30s",
                "Requests that would wait longer than this for their turn, by estimate, are answered 503; 0s for never",
            ),
            share: env.get(
                "ABACUS_CALLER_SHARE",
                "50",
                "Percent of ABACUS_MAX_WAITERS and ABACUS_MAX_IN_FLIGHT_BYTES that one caller may take up",
            ),
        };
        if !(1..=100).contains(&config.share) {
            env.problem("ABACUS_CALLER_SHARE", "expected a whole number from 1 to 100");
        }
        config
    }
}

/// Why a computation is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The caller has as many under way as one may.
    Share { limit: u64 },
    /// All together hold as much memory as there is.
    Bytes,
    /// It would wait too long; after this time it would not.
    Delay(Duration),
}

/// What is under way now.
pub(super) struct Admission {
    max_bytes: u64,
    max_delay: Duration,
    bytes: AtomicU64,
    callers: Callers,
    streams: Callers,
    light: Queue,
    heavy: Queue,
    metrics: Metrics,
}

/// The turn of one computation.
pub(super) struct Place {
    admission: Arc<Admission>,
    subject: Subject,
    load: Load,
    is_answered: bool,
}

/// The memory that one answer takes up.
pub(super) struct Room {
    admission: Arc<Admission>,
    subject: Subject,
    bytes: u64,
}

impl Admission {
    /// Where at most `max_waiters` wait.
    pub(super) fn new(config: AdmissionConfig, max_waiters: usize, metrics: Metrics) -> Self {
        let share = |all: u64| (all / 100).saturating_mul(config.share.into()).max(all.min(1));
        let max_waiters = u64::try_from(max_waiters).unwrap_or(u64::MAX);
        let most = max_waiters.saturating_mul(config.share.into()).div_ceil(100).max(1);
        Self {
            max_bytes: config.max_bytes.as_u64(),
            max_delay: config.max_delay,
            bytes: AtomicU64::new(0),
            callers: Callers::new(most, share(config.max_bytes.as_u64())),
            streams: Callers::new(seat::STREAMS, u64::MAX),
            light: Queue::new(),
            heavy: Queue::new(),
            metrics,
        }
    }

    /// Takes up a place and the room for a computation.
    pub(super) fn enter(
        self: &Arc<Self>,
        subject: &Subject,
        load: Load,
    ) -> Result<(Place, Room), Refusal> {
        let share = Share { requests: 1, bytes: load.bytes };
        self.take(subject, share, || self.try_hold(load))?;
        let (admission, subject) = (Arc::clone(self), subject.clone());
        let place = Place { admission, subject: subject.clone(), load, is_answered: false };
        Ok((place, Room { admission: Arc::clone(self), subject, bytes: load.bytes }))
    }

    /// Takes up the room for an answer that there is already.
    pub(super) fn make_room(
        self: &Arc<Self>,
        subject: &Subject,
        bytes: u64,
    ) -> Result<Room, Refusal> {
        let hold = || self.hold(bytes).then_some(()).ok_or(Refusal::Bytes);
        self.take(subject, Share { requests: 0, bytes }, hold)?;
        Ok(Room { admission: Arc::clone(self), subject: subject.clone(), bytes })
    }

    /// Takes a share of the caller's, and what `hold` takes of what is for all.
    fn take(
        &self,
        subject: &Subject,
        share: Share,
        hold: impl FnOnce() -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let entered = self.callers.enter(subject, share).map_err(|limit| Refusal::Share { limit });
        let taken =
            entered.and_then(|()| hold().inspect_err(|_| self.callers.leave(subject, share)));
        taken.inspect_err(|refusal| self.count(*refusal))
    }

    fn count(&self, refusal: Refusal) {
        self.metrics.shed.with_label_values(&[refusal.name()]).inc();
    }

    fn try_hold(&self, load: Load) -> Result<(), Refusal> {
        let queue = self.queue(load);
        if let Some(excess) = queue.excess(self.max_delay, Instant::now()) {
            return Err(Refusal::Delay(excess));
        }
        if !self.hold(load.bytes) {
            return Err(Refusal::Bytes);
        }
        queue.enter();
        Ok(())
    }

    /// A request that is larger than all there is may still come alone.
    fn hold(&self, bytes: u64) -> bool {
        let fits = |held: u64| {
            let sum = held.saturating_add(bytes);
            (held == 0 || sum <= self.max_bytes).then_some(sum)
        };
        let held = self.bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits);
        if held.is_ok() {
            self.metrics.in_flight_bytes.add(signed(bytes));
        }
        held.is_ok()
    }

    fn queue(&self, load: Load) -> &Queue {
        if load.cost.word_operations() < HEAVY { &self.light } else { &self.heavy }
    }
}

impl Place {
    /// The reply has come: this is how fast work is done.
    pub(super) fn mark_answered(&mut self) {
        self.is_answered = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.callers.leave(&self.subject, Share { requests: 1, bytes: 0 });
        self.admission.queue(self.load).leave(self.is_answered);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let Self { admission, subject, bytes } = self;
        admission.bytes.fetch_sub(*bytes, Ordering::AcqRel);
        admission.metrics.in_flight_bytes.sub(signed(*bytes));
        admission.callers.leave(subject, Share { requests: 0, bytes: *bytes });
    }
}

impl Refusal {
    fn name(self) -> &'static str {
        match self {
            Self::Share { .. } => "caller",
            Self::Bytes => "bytes",
            Self::Delay(_) => "delay",
        }
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
