//! A limit on repeated log lines.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Shortest time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// Allows a line once in ten seconds, and counts the lines in between.
#[derive(Default)]
pub(crate) struct LogLimit(Mutex<(Option<Instant>, u64)>);

impl LogLimit {
    /// Returns the number of events since the last line, including this event, if a line is due.
    pub(crate) fn due(&self, now: Instant) -> Option<u64> {
        let mut guard = self.0.lock();
        let (last, events) = &mut *guard;
        *events += 1;
        if last.is_some_and(|last| now.saturating_duration_since(last) < INTERVAL) {
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(events))
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
