//! A skipped record: the reason for metrics, and an explanation for the process log.

use std::time::Instant;

use abacus_kafka::OwnedRecord;
use abacus_runtime::LogLimit;
use tracing::warn;

use crate::entry::{Content, SkipReason};

/// Reason for skipping a record, with an explanation for the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Skip(pub(super) SkipReason, pub(super) String);

impl Skip {
    /// Logs the skip of `record`, unless a skip was logged a short time ago.
    pub(super) fn report(self, record: &OwnedRecord, log: &LogLimit) -> Content {
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

impl From<uuid::Error> for Skip {
    fn from(error: uuid::Error) -> Self {
        Self(SkipReason::RequestId, format!("the request id is not a UUID: {error}"))
    }
}
