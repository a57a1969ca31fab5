//! Reasons for a failed commit batch.

use std::fmt;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::writer::WriteError;
use crate::error::Error;

/// The reason for a failed commit batch.
#[derive(Debug, thiserror::Error)]
pub(super) enum PublishError {
    /// Another instance uses the `transactional.id`, or the broker aborted the transaction after a
    /// long outage.
    #[error("the transaction was fenced")]
    Fenced(#[source] KafkaError),
    /// Kafka will never accept one of the records.
    #[error("a record for {partition} is refused")]
    Refused { partition: String, source: KafkaError },
    /// The group has changed, and this instance has not heard of the change yet. No offset is
    /// committed; the batch can be retried with the partitions still assigned here.
    #[error("the group has changed: {step} failed")]
    GroupChanged { step: Step, source: KafkaError },
    /// No offset is committed.
    #[error("{step} failed")]
    NotCommitted { step: Step, source: KafkaError },
    /// The previous producer is not replaced yet, so no transaction was begun.
    #[error("replacing the producer failed")]
    Unsettled(#[source] Error),
    /// The offsets may or may not be committed.
    #[error("{step} failed with an unknown outcome")]
    UnknownOutcome { step: Step, source: KafkaError },
}

/// The steps of publishing a commit batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Begin,
    Deliver,
    AddOffsets,
    Commit,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Begin => "beginning a transaction",
            Self::Deliver => "writing finished records",
            Self::AddOffsets => "adding the consumed offsets to a transaction",
            Self::Commit => "committing",
        })
    }
}

impl From<WriteError> for PublishError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Refused { partition, source } => Self::Refused { partition, source },
            WriteError::Failed(source) => Self::NotCommitted { step: Step::Deliver, source },
        }
    }
}

/// True if an error means that the group has changed.
pub(super) fn is_group_change(error: &KafkaError) -> bool {
    error.rdkafka_error_code().is_some_and(|code| {
        matches!(
            code,
            Code::IllegalGeneration
                | Code::UnknownMemberId
                | Code::RebalanceInProgress
                | Code::StaleMemberEpoch
                | Code::FencedMemberEpoch
                | Code::FencedInstanceId
        )
    })
}
