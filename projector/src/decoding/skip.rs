//! The skip of a record, for metrics and logs.

use abacus_kafka::OwnedRecord;
use tracing::warn;

use crate::entry::{Content, SkipReason};

/// Reason for skipping a record, with an explanation for the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Skip(pub(super) SkipReason, pub(super) String);

impl Skip {
    /// Logs the skip of `record`.
    pub(super) fn report(self, record: &OwnedRecord) -> Content {
        let Self(reason, text) = self;
        warn!(
            kafka.topic = record.topic,
            kafka.partition = record.partition,
            kafka.offset = record.offset,
            reason = reason.as_str(),
            error = text,
            "record skipped"
        );
        Content::Skipped(reason)
    }
}

impl From<uuid::Error> for Skip {
    fn from(error: uuid::Error) -> Self {
        Self(SkipReason::RequestId, format!("the request id is not a UUID: {error}"))
    }
}
