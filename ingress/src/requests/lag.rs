//! Tells whether the request log is behind: a request that this instance wrote to the event log some time ago should be
//! in the request log. Requests of other instances are not considered, so an instance that writes nothing finds no lag.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::log::{self, RequestLog};

/// Time from the event log into the request log that is taken as normal.
const USUAL: Duration = Duration::from_secs(3);
/// Shortest interval between two questions for the newest request.
const INTERVAL: Duration = Duration::from_secs(1);
/// Milliseconds by which clocks may be set back.
const TOLERANCE: u64 = 1_000;

/// The requests that the log should have, and the newest request that it has.
#[derive(Default)]
pub(crate) struct Lag {
    marks: Mutex<Marks>,
    /// Time of the last question, and the time of the log's newest request in Unix milliseconds.
    newest: tokio::sync::Mutex<Option<(Instant, u64)>>,
}

/// Two written requests, so that at least one is older than [`USUAL`] and both are recent.
#[derive(Debug, Default)]
struct Marks {
    last: Option<Mark>,
    before: Option<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    written_at: Instant,
    /// Time of the request, in Unix milliseconds.
    made: u64,
}

impl Lag {
    /// Notes that the request is in the event log.
    pub(crate) fn mark_written(&self, id: Uuid) {
        if let Some(made) = made(id) {
            self.marks.lock().mark(Mark { written_at: Instant::now(), made });
        }
    }

    /// Whether the log lacks a request that it should have by now.
    pub(super) async fn is_behind(&self, log: &RequestLog) -> Result<bool, log::Error> {
        let Some(due) = self.marks.lock().due(Instant::now()) else { return Ok(false) };
        let mut newest = self.newest.lock().await;
        let made = match *newest {
            Some((asked_at, made)) if asked_at.elapsed() < INTERVAL => made,
            _ => {
                let made = log.newest().await?;
                *newest = Some((Instant::now(), made));
                made
            }
        };
        Ok(made.saturating_add(TOLERANCE) < due)
    }
}

impl Marks {
    fn mark(&mut self, mark: Mark) {
        if self.last.is_none_or(|last| mark.written_at - last.written_at >= USUAL) {
            self.before = self.last.replace(mark);
        }
    }

    /// Returns the time of the newest request that the log should have.
    fn due(&self, now: Instant) -> Option<u64> {
        let marks = self.last.into_iter().chain(self.before);
        let mut due = marks.filter(|mark| now - mark.written_at >= USUAL);
        due.next().map(|mark| mark.made)
    }
}

/// Returns the time in an id of version 7, in Unix milliseconds.
fn made(id: Uuid) -> Option<u64> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    Some(seconds.saturating_mul(1_000).saturating_add((nanos / 1_000_000).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_due_when_it_was_written_long_enough_ago() {
        let (start, mut marks) = (Instant::now(), Marks::default());
        assert_eq!(marks.due(start), None);
        for second in 0..=20 {
            let now = start + Duration::from_secs(second);
            marks.mark(Mark { written_at: now, made: second });
            let due = marks.due(now);
            assert_eq!(due.is_some(), second >= 3, "{second}");
            assert!(due.is_none_or(|made| (made + 3..=made + 6).contains(&second)), "{second}");
        }
        assert_eq!(marks.due(start + Duration::from_mins(1)), Some(18));
    }

    #[test]
    fn the_time_of_a_request_is_in_its_id() {
        let time = uuid::Timestamp::from_unix(uuid::NoContext, 1_700_000_000, 123_000_000);
        assert_eq!(made(Uuid::new_v7(time)), Some(1_700_000_000_123));
        assert_eq!(made(Uuid::new_v4()), None);
    }
}
