//! Tells whether the request log is behind: a request that this instance wrote to the event log some time ago should be
//! in the request log. Requests of other instances are not considered, so an instance that writes nothing finds no lag.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::log::{self, RequestLog};

/// Time from the event log into the request log that is taken as normal.
const NORMAL_LATENCY: Duration = Duration::from_secs(3);
/// Shortest interval between two questions for the newest request.
const QUERY_INTERVAL: Duration = Duration::from_secs(1);
/// Milliseconds by which clocks may be set back.
const CLOCK_TOLERANCE_MILLIS: u64 = 1_000;

/// The requests that the log should have, and the newest request that it has.
#[derive(Default)]
pub(crate) struct Lag {
    samples: Mutex<WriteSamples>,
    /// Time of the last question, and the time of the log's newest request in Unix milliseconds.
    newest: tokio::sync::Mutex<Option<(Instant, u64)>>,
}

/// Two written requests, so that at least one is older than [`NORMAL_LATENCY`] and both are recent.
#[derive(Debug, Default)]
struct WriteSamples {
    latest: Option<WriteSample>,
    previous: Option<WriteSample>,
}

#[derive(Clone, Copy, Debug)]
struct WriteSample {
    written_at: Instant,
    /// Time of the request, in Unix milliseconds.
    requested_at: u64,
}

impl Lag {
    /// Notes that the request is in the event log.
    pub(crate) fn mark_written(&self, id: Uuid) {
        if let Some(requested_at) = time_in_id(id) {
            self.samples.lock().add(WriteSample { written_at: Instant::now(), requested_at });
        }
    }

    /// Whether the log lacks a request that it should have by now.
    pub(super) async fn is_behind(&self, log: &RequestLog) -> Result<bool, log::Error> {
        let Some(due) = self.samples.lock().due(Instant::now()) else { return Ok(false) };
        let mut newest = self.newest.lock().await;
        let newest_logged = match *newest {
            Some((asked_at, made)) if asked_at.elapsed() < QUERY_INTERVAL => made,
            _ => {
                let made = log.newest().await?;
                *newest = Some((Instant::now(), made));
                made
            }
        };
        Ok(newest_logged.saturating_add(CLOCK_TOLERANCE_MILLIS) < due)
    }
}

impl WriteSamples {
    fn add(&mut self, sample: WriteSample) {
        if self.latest.is_none_or(|latest| sample.written_at - latest.written_at >= NORMAL_LATENCY)
        {
            self.previous = self.latest.replace(sample);
        }
    }

    /// Returns the time of the newest request that the log should have.
    fn due(&self, now: Instant) -> Option<u64> {
        let samples = self.latest.into_iter().chain(self.previous);
        let mut due = samples.filter(|sample| now - sample.written_at >= NORMAL_LATENCY);
        due.next().map(|sample| sample.requested_at)
    }
}

/// Returns the time in an id of version 7, in Unix milliseconds.
fn time_in_id(id: Uuid) -> Option<u64> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    Some(seconds.saturating_mul(1_000).saturating_add((nanos / 1_000_000).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_due_when_it_was_written_long_enough_ago() {
        let (start, mut samples) = (Instant::now(), WriteSamples::default());
        assert_eq!(samples.due(start), None);
        for second in 0..=20 {
            let now = start + Duration::from_secs(second);
            samples.add(WriteSample { written_at: now, requested_at: second });
            let due = samples.due(now);
            assert_eq!(due.is_some(), second >= 3, "{second}");
            assert!(due.is_none_or(|made| (made + 3..=made + 6).contains(&second)), "{second}");
        }
        assert_eq!(samples.due(start + Duration::from_mins(1)), Some(18));
    }

    #[test]
    fn the_time_of_a_request_is_in_its_id() {
        let time = uuid::Timestamp::from_unix(uuid::NoContext, 1_700_000_000, 123_000_000);
        assert_eq!(time_in_id(Uuid::new_v7(time)), Some(1_700_000_000_123));
        assert_eq!(time_in_id(Uuid::new_v4()), None);
    }
}
