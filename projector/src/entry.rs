//! A decoded record: partition, offset, and row or reason for its absence.

use abacus_kafka::{TopicPartition, UnreadableBatch};
use uuid::Uuid;

use crate::row::{CompletedRow, RequestedRow};

/// A record for the database.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) partition: TopicPartition,
    pub(crate) offset: i64,
    pub(crate) content: Content,
}

impl Entry {
    /// The entry of an unreadable batch, at its last offset.
    pub(crate) fn unreadable(batch: UnreadableBatch) -> Self {
        let (offset, content) = (batch.last(), Content::Skipped(SkipReason::UnreadableBatch));
        Self { partition: batch.partition, offset, content }
    }
}

/// The row of a record, or the reason for its absence. The offset moves in all cases.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Requested(RequestedRow),
    Completed(CompletedRow),
    /// A valid record without a row: the rejection is written in its place.
    Rejected(Rejection),
    Skipped(SkipReason),
}

/// A valid record that the request log cannot hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rejection {
    pub(crate) request_id: Uuid,
    pub(crate) reason: SkipReason,
    /// Explanation for a person.
    pub(crate) detail: String,
    /// The row. If Postgres does not take the rejection either, the row was not at fault and is
    /// tried again.
    pub(crate) row: Option<Box<Content>>,
}

/// Permanent reason for a record without a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SkipReason {
    /// The bytes are not an event.
    Malformed,
    /// The registry has no schema of this id, or the schema cannot be read as the event.
    UnknownSchema,
    /// The request id is not a UUID.
    RequestId,
    /// The record or its row is larger than a limit.
    TooLarge,
    /// Postgres refuses a value of the row.
    Refused,
    /// No client can read the batch of the record.
    UnreadableBatch,
    /// Each write of the row failed without an answer, and Postgres answered in between.
    Unwritable,
}

impl SkipReason {
    pub(crate) const ALL: [Self; 7] = [
        Self::Malformed,
        Self::UnknownSchema,
        Self::RequestId,
        Self::TooLarge,
        Self::Refused,
        Self::UnreadableBatch,
        Self::Unwritable,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownSchema => "unknown-schema",
            Self::RequestId => "request-id",
            Self::TooLarge => "too-large",
            Self::Refused => "refused",
            Self::UnreadableBatch => "unreadable-batch",
            Self::Unwritable => "unwritable",
        }
    }
}
