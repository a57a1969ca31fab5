//! Which partitions are read on, and which wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::Source;
use super::rebalance::Context;
use crate::error::Error;
use crate::record::TopicPartition;
use crate::stream::assignment::Assignment;

pub(super) struct Assigned {
    pub(super) partition: TopicPartition,
    pub(super) assignment: Arc<Assignment>,
    /// The offset after the last record that came.
    pub(super) next_offset: i64,
    pub(super) is_paused: bool,
}

impl Source {
    pub(super) fn is_closed(&self) -> bool {
        self.consumer.context().is_closed.load(Ordering::Relaxed)
    }

    /// Pauses every partition, or resumes all that have no reason of their own to be paused.
    pub(super) fn open_or_close(&mut self, is_accepting: bool) -> Result<(), Error> {
        if is_accepting != self.is_closed() {
            return Ok(());
        }
        self.consumer.context().is_closed.store(!is_accepting, Ordering::Relaxed);
        self.metrics.closed.set(i64::from(!is_accepting));
        let assignment = self.consumer.assignment().map_err(Error::call("the assignment"))?;
        if !is_accepting {
            return self.consumer.pause(&assignment).map_err(Error::call("pausing"));
        }
        self.consumer.resume(&assignment).map_err(Error::call("resuming"))?;
        let (paused, others): (Vec<_>, Vec<_>) =
            self.assigned.iter().partition(|assigned| assigned.is_paused);
        let paused = to_list(paused.iter().map(|assigned| &assigned.partition));
        self.consumer.pause(&paused).map_err(Error::call("pausing"))?;
        resume(&self.consumer, &others)
    }

    /// Resumes paused partitions that have caught up by half; true if some are still paused.
    pub(super) fn resume_relieved(&mut self) -> Result<bool, Error> {
        let relieved = self.backlog.half();
        let mut resumed = Vec::new();
        let mut is_any_paused = false;
        for assigned in self.assigned.iter_mut().filter(|assigned| assigned.is_paused) {
            if assigned.assignment.pending().exceeds(relieved) {
                is_any_paused = true;
                continue;
            }
            assigned.is_paused = false;
            self.metrics.paused.dec();
            resumed.push(&*assigned);
        }
        resume(&self.consumer, &resumed)?;
        Ok(is_any_paused)
    }
}

/// Resumes, and seeks to where it stopped. While all partitions of a broker are paused, librdkafka's
/// thread for that broker sleeps up to a second, and only the seek wakes it (2.12.1).
fn resume(consumer: &BaseConsumer<Context>, assigned: &[&Assigned]) -> Result<(), Error> {
    if assigned.is_empty() {
        return Ok(());
    }
    let list = to_list(assigned.iter().map(|assigned| &assigned.partition));
    consumer.resume(&list).map_err(Error::call("resuming"))?;
    let mut positions = TopicPartitionList::with_capacity(assigned.len());
    for Assigned { partition, next_offset, .. } in assigned {
        let next = Offset::Offset(*next_offset);
        positions
            .add_partition_offset(&partition.topic, partition.partition, next)
            .map_err(Error::call("resuming"))?;
    }
    // Without a time to wait for, it is done when librdkafka comes to it.
    consumer.seek_partitions(positions, Duration::ZERO).map_err(Error::call("resuming"))?;
    Ok(())
}

pub(super) fn to_list<'a>(
    partitions: impl IntoIterator<Item = &'a TopicPartition>,
) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(&partition.topic, partition.partition);
    }
    list
}
