//! What is logged of records and requests that did not become a row.

use abacus_kafka::TopicPartition;
use tracing::{error, warn};

use crate::database::CommitSummary;
use crate::entry::SkipReason;
use crate::metrics::{COMPLETED, REQUESTED};

/// The most conflicts of a batch and table that are logged one by one.
const LOGGED_CONFLICTS: usize = 10;

/// Postgres refuses the record, and says why in `text`.
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

/// The partition's log does not reach to where it was read before.
pub(crate) fn restarted(partition: &TopicPartition) {
    error!(
        kafka.topic = &*partition.topic,
        kafka.partition = partition.partition,
        "the partition begins again below the stored offset, as if the topic was made anew; \
         it is read from its beginning"
    );
}

/// Requests came again with other content.
pub(crate) fn row_conflicts(summary: &CommitSummary) {
    for (table, summary) in [(REQUESTED, &summary.requested), (COMPLETED, &summary.completed)] {
        for request_id in summary.conflicts.iter().take(LOGGED_CONFLICTS) {
            warn!(table, request.id = %request_id, "the first row of the request stands");
        }
    }
}
