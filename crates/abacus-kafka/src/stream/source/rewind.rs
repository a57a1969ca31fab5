//! Returning to the committed offsets of the group.

use std::sync::atomic::Ordering;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use crate::config::{CALL_TIMEOUT, POLL_INTERVAL};
use crate::error::Error;
use crate::stream::assignments::Assignments;
use crate::stream::committer::Committer;
use crate::stream::consumer::GroupConsumer;
use crate::unreadable::committed_offset;

/// Seeks every assigned partition to its committed offset, after a failed commit batch. Returns
/// false while the batch is unsettled.
pub(super) fn seek_to_committed(
    consumer: &GroupConsumer,
    committer: &Committer,
    assignments: &Assignments,
) -> Result<bool, Error> {
    match committed_offsets(consumer, committer, assignments)? {
        Some(offsets) => seek(consumer, offsets).map(|()| true),
        None => Ok(false),
    }
}

/// Returns the committed offsets, or `None` while a transaction is unsettled.
fn committed_offsets(
    consumer: &GroupConsumer,
    committer: &Committer,
    assignments: &Assignments,
) -> Result<Option<TopicPartitionList>, Error> {
    let offsets = committer.between_transactions(POLL_INTERVAL, || {
        assignments.close_all();
        let assigned = consumer.assignment()?;
        consumer.committed_offsets(assigned, CALL_TIMEOUT)
    });
    offsets.transpose().map_err(Error::call("asking for the committed offsets"))
}

fn seek(consumer: &GroupConsumer, mut committed: TopicPartitionList) -> Result<(), Error> {
    if committed.count() == 0 {
        return Ok(());
    }
    let seeking = || Error::call("seeking to the committed offsets");
    set_missing_to_beginning(&mut committed).map_err(seeking())?;
    let sought = consumer.seek_partitions(committed, CALL_TIMEOUT).map_err(seeking())?;
    for element in sought.elements() {
        element.error().map_err(seeking())?;
    }
    consumer.resume(&sought).map_err(Error::call("resuming"))?;
    // The next step of the source asks the handler anew.
    consumer.context().is_closed.store(false, Ordering::Relaxed);
    Ok(())
}

/// Sets partitions without a committed offset to their beginning.
fn set_missing_to_beginning(offsets: &mut TopicPartitionList) -> KafkaResult<()> {
    let mut missing = Vec::new();
    for element in offsets.elements() {
        if committed_offset(&element)?.is_none() {
            missing.push((element.topic().to_owned(), element.partition()));
        }
    }
    for (topic, partition) in missing {
        offsets.set_partition_offset(&topic, partition, Offset::Beginning)?;
    }
    Ok(())
}
