//! A circuit breaker: after several failures in a row nobody is asked for a while.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Failures in a row that open the circuit.
const FAILURES: u32 = 5;
/// How long it stays open; then one question is let through to see.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Whether a question may be asked at `now`.
    pub(super) fn allows(&self, now: Instant) -> bool {
        let mut state = self.state.lock();
        match state.open_until {
            Some(until) if now < until => false,
            Some(_) => {
                state.open_until = Some(now + PAUSE);
                true
            }
            None => true,
        }
    }

    pub(super) fn succeeded(&self) {
        let mut state = self.state.lock();
        if state.open_until.is_some() {
            tracing::info!("Redis answers again");
        }
        *state = State::default();
    }

    pub(super) fn failed(&self, now: Instant) {
        let mut state = self.state.lock();
        state.failures += 1;
        if state.failures >= FAILURES {
            if state.open_until.is_none() {
                tracing::warn!("Redis does not answer; computing without it");
            }
            state.open_until = Some(now + PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_question_try_later() {
        let breaker = Breaker::default();
        let start = Instant::now();
        for _ in 1..FAILURES {
            breaker.failed(start);
        }
        breaker.succeeded();
        for _ in 1..FAILURES {
            breaker.failed(start);
        }
        assert!(breaker.allows(start), "a success in between starts the count anew");
        breaker.failed(start);
        assert!(!breaker.allows(start));
        let later = start + PAUSE;
        assert!(breaker.allows(later), "one may try");
        assert!(!breaker.allows(later), "and only one");
        breaker.succeeded();
        assert!(breaker.allows(later));
    }
}
