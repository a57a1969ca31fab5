//! A record on its way into the database: where it was read, and what became of it.

use abacus_kafka::TopicPartition;

use crate::row::{CompletedRow, RequestedRow};

/// A record as the database gets it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) partition: TopicPartition,
    pub(crate) offset: i64,
    pub(crate) content: Content,
}

/// What a record leaves in the database; its offset updates in any case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Requested(RequestedRow),
    Completed(CompletedRow),
    Skipped(SkipReason),
}

/// Why a record leaves no row, now or at any later time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SkipReason {
    /// Its bytes are no event.
    Malformed,
    /// The registry has no schema of its id, or one that cannot be read as the event.
    UnknownSchema,
    /// Its request id is no UUID.
    RequestId,
    /// Postgres refuses a value in it.
    Refused,
}

impl SkipReason {
    pub(crate) const ALL: [Self; 4] =
        [Self::Malformed, Self::UnknownSchema, Self::RequestId, Self::Refused];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownSchema => "unknown-schema",
            Self::RequestId => "request-id",
            Self::Refused => "refused",
        }
    }
}
