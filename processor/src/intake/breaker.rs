//! Circuit breaker of the intake.
//!
//! Any producer can write unreadable records, so a burst of dead letters alone does not stop the
//! intake. A burst causes a question to the registry. The intake stops only if the registry lacks
//! the schema of this version, or has the schema under another id: readable records would become
//! dead letters too. The intake asks again with a growing delay, and goes on after a good answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::dead_letter::{
    Class, DeadLetterCount, DeadLetterLimits, OriginalRecord, RecordPosition,
};
use crate::job::RecordContext;

/// First delay of a question after a bad answer.
const FIRST_DELAY: Duration = Duration::from_secs(1);

/// Circuit breaker of the intake, shared by both lanes.
pub(crate) struct IntakeBreaker {
    dead_letters: DeadLetterCount,
    /// Longest delay of a question, and shortest time between two examinations.
    delay: Duration,
    /// Written with `state` locked, and read for each record without the lock.
    is_open: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_examining: bool,
    /// Time of the next examination at the earliest.
    next_examination: Option<Instant>,
    /// Unreadable records received while the breaker is open.
    parked: Vec<UnreadableRecord>,
}

/// A record to become a dead letter.
pub(crate) struct UnreadableRecord {
    pub(crate) original: OriginalRecord,
    pub(crate) context: RecordContext,
    pub(crate) class: Class,
    pub(crate) reason: String,
}

impl IntakeBreaker {
    pub(crate) fn new(limits: DeadLetterLimits) -> Self {
        let (is_open, state) = (AtomicBool::new(false), Mutex::default());
        let dead_letters = DeadLetterCount::new(limits);
        Self { dead_letters, delay: limits.retry, is_open, state }
    }

    /// Returns `true` while the intake is stopped.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    pub(crate) fn note_readable(&self) {
        self.dead_letters.note_readable();
    }

    /// Counts a dead letter. Returns the reason for an examination that the caller must make, and
    /// end with [`end_examination`](Self::end_examination).
    #[must_use]
    pub(crate) fn note_dead_letter(
        &self,
        position: RecordPosition,
        now: Instant,
    ) -> Option<String> {
        let reason = self.dead_letters.note_dead_letter(position)?;
        let mut state = self.state.lock();
        if state.is_examining || state.next_examination.is_some_and(|next| now < next) {
            return None;
        }
        state.is_examining = true;
        Some(reason)
    }

    /// Stops the intake. Returns `true` if the intake was running.
    pub(crate) fn open(&self) -> bool {
        let _state = self.state.lock();
        !self.is_open.swap(true, Ordering::AcqRel)
    }

    /// Keeps an unreadable record until the intake goes on. Returns the record if the intake is
    /// running.
    #[must_use]
    pub(crate) fn park(&self, record: UnreadableRecord) -> Option<UnreadableRecord> {
        let mut state = self.state.lock();
        if !self.is_open() {
            return Some(record);
        }
        state.parked.push(record);
        None
    }

    /// Lets the intake go on. Returns the parked records.
    pub(crate) fn end_examination(&self, now: Instant) -> Vec<UnreadableRecord> {
        let mut state = self.state.lock();
        self.is_open.store(false, Ordering::Release);
        state.is_examining = false;
        state.next_examination = now.checked_add(self.delay);
        std::mem::take(&mut state.parked)
    }

    /// Delay of the question number `attempt`, counted from 0.
    pub(crate) fn delay(&self, attempt: u32) -> Duration {
        FIRST_DELAY.saturating_mul(2_u32.saturating_pow(attempt)).min(self.delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::Lane;

    const DELAY: Duration = Duration::from_secs(10);

    fn breaker() -> IntakeBreaker {
        IntakeBreaker::new(DeadLetterLimits { consecutive: 3, percent: 0, retry: DELAY })
    }

    #[test]
    fn a_burst_is_examined_once_in_a_while_and_stops_nothing_by_itself() {
        let (breaker, now) = (breaker(), Instant::now());
        let mut offset = 0;
        let mut examinations = |now| {
            let burst = (0..100).filter_map(|_| {
                offset += 1;
                breaker.note_dead_letter((Lane::Main, 0, offset), now)
            });
            burst.count()
        };
        assert_eq!(examinations(now), 1);
        assert_eq!(examinations(now), 0, "the examination is in progress");
        assert!(breaker.end_examination(now).is_empty() && !breaker.is_open());
        assert_eq!(examinations(now + DELAY / 2), 0);
        assert_eq!(examinations(now + DELAY), 1);
    }

    #[test]
    fn an_open_breaker_closes_at_the_end_of_the_examination() {
        let breaker = breaker();
        assert!(breaker.open() && breaker.is_open());
        assert!(!breaker.open(), "opened before");
        breaker.end_examination(Instant::now());
        assert!(!breaker.is_open());
    }

    #[test]
    fn delays_double_up_to_the_limit() {
        let breaker = breaker();
        let seconds: Vec<u64> = (0..6).map(|attempt| breaker.delay(attempt).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 10, 10]);
        assert_eq!(breaker.delay(u32::MAX), DELAY);
    }
}
