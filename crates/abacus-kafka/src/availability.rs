//! Reachability of the brokers. During a known outage, a request fails at once instead of after a
//! wait.
//!
//! librdkafka reports the loss of its last broker connection; a delivery timeout means brokers that
//! no longer answer. From then on a probe requests metadata until a broker answers. While the brokers
//! are reachable there are no probes.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Pause between two probes of an unreachable cluster.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);
/// Longest duration of one probe.
pub(crate) const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reachable,
    Unreachable,
    Closed,
}

/// Shared reachability of the brokers.
#[derive(Clone, Debug)]
pub struct Availability {
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Availability {
    pub(crate) fn new() -> Self {
        Self { shared: Arc::new((Mutex::new(State::Reachable), Condvar::new())) }
    }

    /// False from the detection of an outage until a broker answers again.
    pub fn is_reachable(&self) -> bool {
        *self.shared.0.lock() == State::Reachable
    }

    pub(crate) fn mark_unreachable(&self) {
        self.change(State::Reachable, State::Unreachable);
    }

    pub(crate) fn close(&self) {
        *self.shared.0.lock() = State::Closed;
        self.shared.1.notify_all();
    }

    /// Calls `probe` during each outage until it succeeds. Returns on close.
    pub(crate) fn watch(&self, mut probe: impl FnMut() -> bool) {
        let (state, changed) = &*self.shared;
        loop {
            let mut now = state.lock();
            match *now {
                State::Closed => return,
                State::Reachable => changed.wait(&mut now),
                State::Unreachable => {
                    drop(now);
                    if probe() {
                        self.change(State::Unreachable, State::Reachable);
                    } else {
                        changed.wait_for(&mut state.lock(), PROBE_INTERVAL);
                    }
                }
            }
        }
    }

    fn change(&self, from: State, to: State) {
        let mut now = self.shared.0.lock();
        if *now == from {
            tracing::warn!(kafka.state = ?to, "Kafka is {}", describe(to));
            *now = to;
            self.shared.1.notify_all();
        }
    }
}

fn describe(state: State) -> &'static str {
    match state {
        State::Reachable => "reachable again",
        State::Unreachable => "unreachable",
        State::Closed => "closed",
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn brokers_are_asked_only_while_they_are_away() {
        let availability = Availability::new();
        let watcher = {
            let availability = availability.clone();
            thread::spawn(move || {
                let mut questions = 0;
                availability.watch(|| {
                    questions += 1;
                    questions == 2
                });
                questions
            })
        };
        assert!(availability.is_reachable());
        availability.mark_unreachable();
        while !availability.is_reachable() {
            thread::yield_now();
        }
        availability.close();
        assert_eq!(watcher.join().unwrap(), 2);
        assert!(!availability.is_reachable());
    }
}
