//! A skipped record: the reason for metrics, and an explanation for the process log.

use std::time::{Duration, Instant};

use abacus_kafka::OwnedRecord;
use tracing::warn;

use crate::entry::{Content, SkipReason};

/// Reason for skipping a record, with an explanation for the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Skip(pub(super) SkipReason, pub(super) String);

impl Skip {
    /// Logs the skip of `record`, unless a skip was logged a short time ago.
    pub(super) fn report(self, record: &OwnedRecord, log: &mut SkipLog) -> Content {
        let Self(reason, text) = self;
        if let Some(records) = log.due(Instant::now()) {
            warn!(
                kafka.topic = record.topic,
                kafka.partition = record.partition,
                kafka.offset = record.offset,
                reason = reason.as_str(),
                error = text,
                records,
                "record skipped"
            );
        }
        Content::Skipped(reason)
    }
}

/// Shortest time between two log lines.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Allows a log line once in ten seconds: any producer can write any number of unreadable records.
#[derive(Default)]
pub(super) struct SkipLog {
    last: Option<Instant>,
    records: u64,
}

impl SkipLog {
    /// Counts a skip. Returns the number of skips since the last line if a line is due.
    fn due(&mut self, now: Instant) -> Option<u64> {
        self.records += 1;
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < LOG_INTERVAL) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.records))
    }
}

impl From<uuid::Error> for Skip {
    fn from(error: uuid::Error) -> Self {
        Self(SkipReason::RequestId, format!("the request id is not a UUID: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_ten_seconds_counts_all_skips() {
        let (mut log, now) = (SkipLog::default(), Instant::now());
        assert_eq!(log.due(now), Some(1));
        assert_eq!([(); 5].map(|()| log.due(now + Duration::from_secs(9))), [None; 5]);
        assert_eq!(log.due(now + LOG_INTERVAL), Some(6));
    }
}
