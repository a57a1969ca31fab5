//! Whether the request log is known to be behind: requests that this instance wrote to the event log a
//! while ago should be in it. What others wrote is not looked at, so an instance that writes nothing
//! knows nothing.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::computations::request_log::RequestLog;
use crate::error::Error;

/// How long a request may take into the log.
const USUAL: Duration = Duration::from_secs(3);
/// How often the log is asked for its newest request, at most.
const INTERVAL: Duration = Duration::from_secs(1);
/// Clocks may be set back by so much, in milliseconds.
const TOLERANCE: u64 = 1_000;

/// What the log should have, and what it has.
#[derive(Default)]
pub(crate) struct Lag {
    marks: Mutex<Marks>,
    /// When the log was asked, and the time of its newest request.
    newest: tokio::sync::Mutex<Option<(Instant, u64)>>,
}

/// Two requests, so that one of them is long enough ago and neither is of old.
#[derive(Debug, Default)]
struct Marks {
    last: Option<Mark>,
    before: Option<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    written_at: Instant,
    /// When the request was made, in Unix milliseconds.
    made: u64,
}

impl Lag {
    /// The request is in the event log.
    pub(crate) fn mark_written(&self, id: Uuid) {
        if let Some(made) = made(id) {
            self.marks.lock().mark(Mark { written_at: Instant::now(), made });
        }
    }

    /// Whether something is missing from the log that should be there by now.
    pub(crate) async fn is_behind(&self, log: &RequestLog) -> Result<bool, Error> {
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

    /// When the newest request was made that should be in the log.
    fn due(&self, now: Instant) -> Option<u64> {
        let marks = self.last.into_iter().chain(self.before);
        let mut due = marks.filter(|mark| now - mark.written_at >= USUAL);
        due.next().map(|mark| mark.made)
    }
}

/// When the request was made, as far as its id tells.
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
