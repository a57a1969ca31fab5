//! Log messages about records and requests without a row of their own.

use abacus_kafka::TopicPartition;
use tracing::{error, warn};

use crate::database::CommitSummary;
use crate::entry::SkipReason;
use crate::metrics::{COMPLETED, REQUESTED};

/// Largest number of row conflicts that are logged for a batch and table.
const LOGGED_CONFLICTS: usize = 10;

/// Logs a record after Postgres refused a value; `text` is the reason.
pub(crate) fn refused(partition: &TopicPartition, offset: i64, text: &str) {
    error!(
        kafka.topic = &*partition.topic,
        kafka.partition = partition.partition,
        kafka.offset = offset,
        reason = SkipReason::Refused.as_str(),
        error = text,
        "record skipped"
    );
}

/// Logs a re-created topic: Kafka has no record at the stored offset of a partition.
pub(crate) fn restarted(partition: &TopicPartition) {
    error!(
        kafka.topic = &*partition.topic,
        kafka.partition = partition.partition,
        "Kafka no longer has the stored offset, as after a re-creation of the topic; \
         the partition is read from its beginning"
    );
}

/// Logs events whose request already has a row with different content.
pub(crate) fn row_conflicts(summary: &CommitSummary) {
    for (table, summary) in [(REQUESTED, &summary.requested), (COMPLETED, &summary.completed)] {
        for request_id in summary.conflicts.iter().take(LOGGED_CONFLICTS) {
            warn!(table, request.id = %request_id, "row conflict: an event differs from the first row of its request, which stays");
        }
    }
}
