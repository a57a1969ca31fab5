//! Detects a request log that is behind the event log. The request log should have every request
//! that this instance wrote to the event log some time ago. Requests of other instances are not
//! considered, so an instance without writes detects no lag.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::log::{self, RequestLog};

/// Normal time from the event log into the request log.
const NORMAL_LATENCY: Duration = Duration::from_secs(3);
/// Shortest interval between two queries for the newest request.
const QUERY_INTERVAL: Duration = Duration::from_secs(1);
/// Milliseconds by which clocks may be set back.
const CLOCK_TOLERANCE_MILLIS: u64 = 1_000;

/// Recently written requests, and the newest request in the log.
#[derive(Default)]
pub(crate) struct Lag {
    samples: Mutex<WriteSamples>,
    /// Time of the last query, and the time of the newest request in the log, in Unix milliseconds.
    newest: tokio::sync::Mutex<Option<(Instant, u64)>>,
}

/// Two recently written requests, at least [`NORMAL_LATENCY`] apart. The previous request is old
/// enough to be in the log.
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
    /// Records that the request is in the event log.
    pub(crate) fn mark_written(&self, id: Uuid) {
        if let Some(requested_at) = time_in_id(id) {
            self.samples.lock().add(WriteSample { written_at: Instant::now(), requested_at });
        }
    }

    /// Returns `true` if the log lacks a request that should be there by now.
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

    /// Returns the time of the newest request expected in the log.
    fn due(&self, now: Instant) -> Option<u64> {
        let samples = self.latest.into_iter().chain(self.previous);
        let mut due = samples.filter(|sample| now - sample.written_at >= NORMAL_LATENCY);
        due.next().map(|sample| sample.requested_at)
    }
}

/// Returns the time in a version 7 id, in Unix milliseconds.
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
