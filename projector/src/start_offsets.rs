//! The start offsets of newly assigned partitions, read from the database.

use std::time::Duration;

use abacus_kafka::{StartOffsets, TopicPartition};
use abacus_runtime::{ReadinessGate, Shutdown};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::database::{Database, Failure};
use crate::stored_offsets::SharedOffsets;

const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Reads start offsets over connections of its own, because the connection of the loop is in use
/// during a poll.
pub(crate) struct DatabaseStartOffsets {
    pub(crate) database: Database,
    pub(crate) offsets: SharedOffsets,
    pub(crate) tokio: Handle,
    pub(crate) shutdown: Shutdown,
    pub(crate) kafka: ReadinessGate,
    pub(crate) postgres: ReadinessGate,
}

impl StartOffsets for DatabaseStartOffsets {
    /// Returns the stored offsets. Blocks until the database answers. After a shutdown request,
    /// the partitions stay unassigned in the stored offsets, and none of their records is written.
    fn start_offsets(&self, partitions: &[TopicPartition]) -> Vec<Option<i64>> {
        let Some(stored) = self.read_until_answered(partitions) else {
            return vec![None; partitions.len()];
        };
        let mut offsets = self.offsets.lock();
        for (partition, offset) in partitions.iter().zip(&stored) {
            offsets.mark_assigned(partition, *offset);
        }
        self.kafka.ready();
        stored
    }
}

impl DatabaseStartOffsets {
    fn read_until_answered(&self, partitions: &[TopicPartition]) -> Option<Vec<Option<i64>>> {
        while !self.shutdown.is_requested() {
            match self.read(partitions) {
                Ok(stored) => return Some(stored),
                Err(failure) => self.postgres.not_ready(failure.to_string()),
            }
            self.wait();
        }
        None
    }

    /// Waits for the retry interval or a shutdown request. The async block creates the timer
    /// inside the tokio runtime.
    fn wait(&self) {
        let wait = async { timeout(RETRY_INTERVAL, self.shutdown.requested()).await };
        let _ = self.tokio.block_on(wait);
    }

    fn read(&self, partitions: &[TopicPartition]) -> Result<Vec<Option<i64>>, Failure> {
        self.database.connect()?.next_offsets(partitions)
    }
}
