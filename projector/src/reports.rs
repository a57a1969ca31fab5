//! Lines of the process log about records and requests without a row of their own.

use abacus_kafka::TopicPartition;
use tracing::{error, warn};

use crate::batch::Batch;
use crate::database::CommitSummary;
use crate::metrics::{COMPLETED, REQUESTED};
use crate::parts::Refusal;
use crate::row::RequestedRow;

/// Largest number of row conflicts that are logged for a batch and table.
const LOGGED_CONFLICTS: usize = 10;

/// Largest number of rejected records that are logged for a batch.
const LOGGED_REJECTIONS: usize = 10;

/// Logs a batch that Postgres did not take, before the search for the record at fault.
pub(crate) fn refused(batch: &Batch, refusal: &Refusal) {
    let (Refusal::Value(error) | Refusal::Unanswered(error)) = refusal;
    warn!(records = batch.entries().len(), error, "Postgres does not take a batch; it is split");
}

/// Logs the rejected records of a committed batch.
pub(crate) fn rejected(batch: &Batch) {
    let rejected = batch.rejected();
    for (entry, rejection) in rejected.iter().take(LOGGED_REJECTIONS) {
        error!(
            kafka.topic = &*entry.partition.topic,
            kafka.partition = entry.partition.partition,
            kafka.offset = entry.offset,
            request.id = %rejection.request_id,
            reason = rejection.reason.as_str(),
            error = rejection.detail,
            "record rejected: the request log has no row for it, and rejected_records has"
        );
    }
    let further = rejected.len().saturating_sub(LOGGED_REJECTIONS);
    if further > 0 {
        error!(records = further, "further records of the batch are rejected");
    }
}

/// Logs requests with a wrong signature.
pub(crate) fn forged(batch: &Batch) {
    let forged: Vec<&RequestedRow> = batch.forged().collect();
    if let Some(first) = forged.first() {
        warn!(
            records = forged.len(),
            request.id = %first.request_id,
            kafka.partition = first.origin.partition,
            kafka.offset = first.origin.offset,
            "requests have a wrong signature: they are forged, or ABACUS_RECORD_KEY differs from the key of an ingress"
        );
    }
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
