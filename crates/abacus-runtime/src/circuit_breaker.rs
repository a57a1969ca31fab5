//! A circuit breaker: after several failures in a row, callers stop calling an external system.
//! Once a second, one call tests the system again.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Number of failures in a row that opens the circuit.
const FAILURES: u32 = 5;
/// Time between the test calls through an open circuit.
const PAUSE: Duration = Duration::from_secs(1);

/// Circuit breaker of one external system. Counts failures and decides about the next
/// call.
#[derive(Debug, Default)]
pub struct CircuitBreaker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

/// Change of the circuit by the outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The circuit opened; callers must not wait for the system.
    Opened,
    /// The circuit closed; the system answers again.
    Closed,
    /// No change.
    None,
}

impl CircuitBreaker {
    /// Returns true while the circuit is open.
    pub fn is_open(&self) -> bool {
        self.state.lock().open_until.is_some()
    }

    /// Returns true if a call at `now` is allowed. An open circuit allows one test call per second.
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

    /// Records an answered call.
    pub fn succeeded(&self) -> Change {
        let was_open = std::mem::take(&mut *self.state.lock()).open_until.is_some();
        if was_open { Change::Closed } else { Change::None }
    }

    /// Records a call without an answer in time.
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
        assert!(breaker.allows(start) && !breaker.is_open(), "a success resets the count");
        assert_eq!(breaker.failed(start), Change::Opened);
        assert_eq!(breaker.failed(start), Change::None, "the change is reported once");
        assert!(breaker.is_open() && !breaker.allows(start));
        let later = start + PAUSE;
        assert!(breaker.allows(later), "one test call is allowed");
        assert!(!breaker.allows(later), "a second is not");
        assert!(breaker.is_open(), "until its outcome is known");
        assert_eq!(breaker.succeeded(), Change::Closed);
        assert!(breaker.allows(later) && !breaker.is_open());
    }
}
