//! Commit batches: records, outputs and offsets that are committed together.

use std::time::Duration;

use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::assignment::FinishedRecords;
use crate::record::OutboundRecord;

/// Longest time to write and commit a batch. Below `transaction.timeout.ms`, so the producer gives up
/// before the broker aborts the transaction.
pub(super) const PUBLISH_TIMEOUT: Duration = Duration::from_secs(8);

/// Finished records of one or more partitions, with outputs and offsets.
pub(super) struct CommitBatch {
    parts: Vec<FinishedRecords>,
    /// Number of failed attempts.
    pub(super) tries: u32,
    /// True once the outputs are written outside a transaction; only the offsets are left to commit.
    pub(super) is_written: bool,
    /// More records were finished than the batch could hold.
    pub(super) has_more: bool,
}

impl CommitBatch {
    pub(super) fn new(parts: Vec<FinishedRecords>) -> Self {
        let has_more = parts.iter().any(|part| part.has_more);
        Self { parts, tries: 0, is_written: false, has_more }
    }

    /// Counts a failed attempt. More records may be finished by the time of the next.
    pub(super) fn mark_tried(&mut self) {
        self.tries += 1;
        self.has_more = true;
    }

    /// Removes the records of revoked partitions. Returns `None` if nothing is left.
    pub(super) fn into_current(mut self) -> Option<Self> {
        self.parts.retain(FinishedRecords::is_current);
        (!self.parts.is_empty()).then_some(self)
    }

    pub(super) fn records(&self) -> usize {
        self.parts.iter().map(|part| part.amount().records).sum()
    }

    pub(super) fn outputs(&self) -> impl Iterator<Item = &OutboundRecord> {
        self.parts.iter().flat_map(|part| &part.outputs)
    }

    /// The offset to commit for each partition.
    pub(super) fn offsets(&self) -> KafkaResult<TopicPartitionList> {
        let mut offsets = TopicPartitionList::with_capacity(self.parts.len());
        for FinishedRecords { partition, next_offset, .. } in &self.parts {
            let next = Offset::Offset(*next_offset);
            offsets.add_partition_offset(&partition.topic, partition.partition, next)?;
        }
        Ok(offsets)
    }
}
