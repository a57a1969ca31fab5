//! Where partitions are to be read from when they are assigned: where the database says.

use std::time::Duration;

use abacus_kafka::{StartOffsets, TopicPartition};
use abacus_runtime::{ReadinessGate, Shutdown};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::database::{Database, Failure};
use crate::stored_offsets::SharedOffsets;

const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Asks the database on a connection of its own, as the loop's is in use while it polls.
pub(crate) struct DatabaseStartOffsets {
    pub(crate) database: Database,
    pub(crate) offsets: SharedOffsets,
    pub(crate) tokio: Handle,
    pub(crate) shutdown: Shutdown,
    pub(crate) kafka: ReadinessGate,
    pub(crate) postgres: ReadinessGate,
}

impl StartOffsets for DatabaseStartOffsets {
    /// Blocks until the database answers. If a shutdown ends the wait, the partitions stay unknown
    /// to the offsets, so that nothing of them is written.
    fn start_offsets(&self, partitions: &[TopicPartition]) -> Vec<Option<i64>> {
        let Some(stored) = self.ask_until_answered(partitions) else {
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
    fn ask_until_answered(&self, partitions: &[TopicPartition]) -> Option<Vec<Option<i64>>> {
        while !self.shutdown.is_requested() {
            match self.ask(partitions) {
                Ok(stored) => return Some(stored),
                Err(failure) => self.postgres.not_ready(failure.to_string()),
            }
            self.wait();
        }
        None
    }

    /// Cut short by the shutdown. The timer needs to be made inside of tokio.
    fn wait(&self) {
        let wait = async { timeout(RETRY_INTERVAL, self.shutdown.requested()).await };
        let _ = self.tokio.block_on(wait);
    }

    fn ask(&self, partitions: &[TopicPartition]) -> Result<Vec<Option<i64>>, Failure> {
        self.database.connect()?.next_offsets(partitions)
    }
}
