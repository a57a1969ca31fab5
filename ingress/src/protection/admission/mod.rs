//! Who is let in while how much is under way.
//!
//! Three things can be used up: a caller's share of the waiters ([`callers`]), so that one caller's
//! flood leaves room for the others; the memory for requests in flight; and the callers' patience,
//! when the queue is longer than is worked off in time ([`queue`]). How many may wait in all is not
//! decided here but by the [`Waiters`](crate::waiters::Waiters), who have the room.
//!
//! A [`Place`] is what a computation takes up. Dropping it makes the room free again.

mod callers;
mod queue;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use abacus_runtime::{ByteSize, Config, Environment};

use self::callers::Callers;
use self::queue::Queue;
use super::Load;
use super::metrics::Metrics;
use super::subject::Subject;

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
                "Memory for the results of the requests under way, by estimate; more are answered 503",
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
    light: Queue,
    heavy: Queue,
    metrics: Metrics,
}

/// The room that one computation takes up.
pub(super) struct Place {
    admission: Arc<Admission>,
    subject: Subject,
    load: Load,
    is_answered: bool,
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
            light: Queue::new(),
            heavy: Queue::new(),
            metrics,
        }
    }

    /// Takes up the room for a computation.
    pub(super) fn enter(self: &Arc<Self>, subject: &Subject, load: Load) -> Result<Place, Refusal> {
        let entered = self.try_enter(subject, load);
        if let Err(refusal) = entered {
            self.metrics.shed.with_label_values(&[refusal.name()]).inc();
        }
        entered.map(|()| Place {
            admission: Arc::clone(self),
            subject: subject.clone(),
            load,
            is_answered: false,
        })
    }

    fn try_enter(&self, subject: &Subject, load: Load) -> Result<(), Refusal> {
        self.callers.enter(subject, load.bytes).map_err(|limit| Refusal::Share { limit })?;
        self.try_hold(load).inspect_err(|_| self.callers.leave(subject, load.bytes))
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

    fn leave(&self, place: &Place) {
        let bytes = place.load.bytes;
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.metrics.in_flight_bytes.sub(signed(bytes));
        self.callers.leave(&place.subject, bytes);
        self.queue(place.load).leave(place.is_answered);
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
        self.admission.leave(self);
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
