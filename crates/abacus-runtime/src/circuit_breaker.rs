//! A circuit breaker: after several failures in a row nobody waits for an outside system; now and then
//! somebody looks whether it is back.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Failures in a row that open the circuit.
const FAILURES: u32 = 5;
/// How long it stays open before one question is let through to see.
const PAUSE: Duration = Duration::from_secs(1);

/// Counts how calls to one outside system went, and says whether to make the next.
#[derive(Debug, Default)]
pub struct CircuitBreaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

/// What a failure or a success has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// From now on calls are not worth the wait.
    Opened,
    /// Calls are answered again.
    Closed,
    /// Nothing.
    None,
}

impl CircuitBreaker {
    /// Whether calls are not worth the wait.
    pub fn is_open(&self) -> bool {
        self.state.lock().open_until.is_some()
    }

    /// Whether a question may be asked at `now`; an open circuit lets one through at a time.
    pub fn allows(&self, now: Instant) -> bool {
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

    /// A call was answered.
    pub fn succeeded(&self) -> Change {
        let was_open = std::mem::take(&mut *self.state.lock()).open_until.is_some();
        if was_open { Change::Closed } else { Change::None }
    }

    /// A call was not answered, or not in time.
    pub fn failed(&self, now: Instant) -> Change {
        let mut state = self.state.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures < FAILURES {
            return Change::None;
        }
        let was_open = state.open_until.replace(now + PAUSE).is_some();
        if was_open { Change::None } else { Change::Opened }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_question_through_later() {
        let (breaker, start) = (CircuitBreaker::default(), Instant::now());
        for _ in 1..FAILURES {
            assert_eq!(breaker.failed(start), Change::None);
        }
        assert_eq!(breaker.succeeded(), Change::None);
        for _ in 1..FAILURES {
            breaker.failed(start);
        }
        assert!(breaker.allows(start) && !breaker.is_open(), "a success starts the count anew");
        assert_eq!(breaker.failed(start), Change::Opened);
        assert_eq!(breaker.failed(start), Change::None, "told once");
        assert!(breaker.is_open() && !breaker.allows(start));
        let later = start + PAUSE;
        assert!(breaker.allows(later), "one may try");
        assert!(!breaker.allows(later), "and only one");
        assert!(breaker.is_open(), "until it is known");
        assert_eq!(breaker.succeeded(), Change::Closed);
        assert!(breaker.allows(later) && !breaker.is_open());
    }
}
