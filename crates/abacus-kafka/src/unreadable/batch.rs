//! An unreadable batch, as reported to the application.

use crate::record::TopicPartition;

/// A batch that no client can read. Its bytes are not available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableBatch {
    /// Partition of the batch.
    pub partition: TopicPartition,
    /// Position of the consumer in front of the batch. Between this offset and the batch are only
    /// transaction markers and aborted records.
    pub(crate) position: i64,
    /// The first offset that cannot be read.
    pub offset: i64,
    /// The first offset after the batch.
    pub next: i64,
    /// The cause, in librdkafka's words.
    pub error: String,
}

impl UnreadableBatch {
    /// The last offset of the batch.
    pub fn last(&self) -> i64 {
        self.next - 1
    }

    /// Number of offsets in the batch.
    pub fn offsets(&self) -> u64 {
        u64::try_from(self.next - self.offset).unwrap_or(0)
    }
}
