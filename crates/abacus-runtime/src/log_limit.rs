//! A limit on repeated log lines.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Shortest time between two lines of [`LogLimit::default`].
const INTERVAL: Duration = Duration::from_secs(10);

/// Limits the rate of a log line, and counts the events between two lines.
#[derive(Debug)]
pub struct LogLimit {
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    /// Events since the last line.
    events: u64,
}

impl LogLimit {
    /// Allows one line in each `interval`.
    pub fn new(interval: Duration) -> Self {
        Self { interval, state: Mutex::default() }
    }

    /// Counts an event. Returns the number of events since the last line, including this event, if a
    /// line is due.
    pub fn due(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock();
        state.events += 1;
        if state.last.is_some_and(|last| now.saturating_duration_since(last) < self.interval) {
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.events))
    }
}

impl Default for LogLimit {
    /// Allows one line in ten seconds.
    fn default() -> Self {
        Self::new(INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_ten_seconds_tells_of_all_events() {
        let (limit, now) = (LogLimit::default(), Instant::now());
        assert_eq!(limit.due(now), Some(1));
        assert_eq!([(); 5].map(|()| limit.due(now + Duration::from_secs(9))), [None; 5]);
        assert_eq!(limit.due(now + INTERVAL), Some(6));
    }
}
