//! Going back to where the group is.

use std::sync::atomic::Ordering;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::Source;
use crate::config::{CALL_TIMEOUT, POLL_INTERVAL};
use crate::error::Error;

impl Source {
    /// Goes back to the committed offsets after a failed transaction; false if that did not work.
    pub(super) fn has_rewound(&mut self) -> bool {
        self.metrics.paused.set(0);
        self.assigned.clear();
        let rewound = match self.committed_offsets() {
            Ok(Some(committed)) => self.go_back_to(committed),
            Ok(None) => return false,
            Err(error) => Err(error),
        };
        match &rewound {
            Ok(()) => self.metrics.rewinds.inc(),
            Err(error) => {
                tracing::warn!(error = error as &dyn std::error::Error, "{error}; trying again");
            }
        }
        rewound.is_ok()
    }

    /// Where the group is, once every transaction is settled; `None` while one is not.
    fn committed_offsets(&self) -> Result<Option<TopicPartitionList>, Error> {
        let asked = self.committer.between_transactions(POLL_INTERVAL, || {
            self.assignments.close_all();
            let assignment = self.consumer.assignment()?;
            self.consumer.committed_offsets(assignment, CALL_TIMEOUT)
        });
        asked.transpose().map_err(Error::call("asking for the committed offsets"))
    }

    fn go_back_to(&self, mut committed: TopicPartitionList) -> Result<(), Error> {
        if committed.count() == 0 {
            return Ok(());
        }
        let going_back = || Error::call("going back to the committed offsets");
        from_the_beginning_where_unset(&mut committed).map_err(going_back())?;
        let sought = self.consumer.seek_partitions(committed, CALL_TIMEOUT).map_err(going_back())?;
        for element in sought.elements() {
            element.error().map_err(going_back())?;
        }
        self.consumer.resume(&sought).map_err(Error::call("resuming"))?;
        // Found out anew by the next step.
        self.consumer.context().is_closed.store(false, Ordering::Relaxed);
        Ok(())
    }
}

/// Nothing was ever committed for a partition without an offset. One whose offset could not be
/// read is an error: to begin it anew would do everything in it twice.
fn from_the_beginning_where_unset(offsets: &mut TopicPartitionList) -> KafkaResult<()> {
    let mut unset = Vec::new();
    for element in offsets.elements() {
        element.error()?;
        match element.offset() {
            Offset::Offset(_) => {}
            Offset::Invalid => unset.push((element.topic().to_owned(), element.partition())),
            _ => return Err(KafkaError::OffsetFetch(RDKafkaErrorCode::InvalidArgument)),
        }
    }
    for (topic, partition) in unset {
        offsets.set_partition_offset(&topic, partition, Offset::Beginning)?;
    }
    Ok(())
}
