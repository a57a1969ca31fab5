//! The partitions of this instance, and the choice of partitions to pause.
//!
//! A partition is paused at its backlog limit, and resumed once half of the backlog is committed.
//! While the handler accepts no records, every partition is paused.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use crate::error::Error;
use crate::record::TopicPartition;
use crate::stream::amount::Amount;
use crate::stream::assignment::{AckHandle, Assignment};
use crate::stream::assignments::Assignments;
use crate::stream::consumer::GroupConsumer;
use crate::stream::metrics::Metrics;
use crate::unreadable::{UnreadableBatch, committed};

/// Assigned partitions with at least one received record or skipped batch.
pub(super) struct ReadPartitions {
    partitions: Vec<ReadPartition>,
    /// Index of the last record's partition: records of one partition come in runs.
    last: usize,
    /// Backlog at which a partition is paused.
    limit: Amount,
    metrics: Metrics,
}

struct ReadPartition {
    partition: TopicPartition,
    assignment: Arc<Assignment>,
    /// The offset after the last received record.
    next_offset: i64,
    is_paused: bool,
}

impl ReadPartitions {
    pub(super) fn new(limit: Amount, metrics: Metrics) -> Self {
        Self { partitions: Vec::new(), last: 0, limit, metrics }
    }

    /// Registers a record, and pauses its partition at the backlog limit.
    pub(super) fn receive(
        &mut self,
        message: &impl Message,
        assignments: &Assignments,
        consumer: &GroupConsumer,
    ) -> Result<AckHandle, Error> {
        self.metrics.received.inc();
        let limit = self.limit;
        let bytes = message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len);
        let read = self.find_or_open(message.topic(), message.partition(), assignments);
        let (ack, pending) = read.assignment.receive(message.offset(), bytes);
        read.next_offset = message.offset() + 1;
        if !read.is_paused && pending.reaches(limit) {
            read.is_paused = true;
            let list = TopicPartition::list_of([&read.partition]);
            consumer.pause(&list).map_err(Error::call("pausing"))?;
            self.metrics.paused.inc();
        }
        Ok(ack)
    }

    /// Registers an unreadable batch as one record at its last offset, and seeks to the next batch.
    /// Returns `None` if the partition does not stand in front of the batch any more.
    pub(super) fn skip(
        &mut self,
        batch: &UnreadableBatch,
        assignments: &Assignments,
        consumer: &GroupConsumer,
    ) -> Result<Option<AckHandle>, Error> {
        let TopicPartition { topic, partition } = &batch.partition;
        let assigned = consumer.assignment().map_err(Error::call("the assignment"))?;
        if assigned.find_partition(topic, *partition).is_none()
            || self.position(&batch.partition, consumer) != Some(batch.position)
        {
            return Ok(None);
        }
        let read = self.find_or_open(topic, *partition, assignments);
        let (ack, _) = read.assignment.receive(batch.last(), 0);
        read.next_offset = batch.next;
        // With a zero timeout the call returns at once, and librdkafka seeks later.
        consumer
            .seek(topic, *partition, Offset::Offset(batch.next), Duration::ZERO)
            .map_err(Error::call(format!("seeking to {}@{}", batch.partition, batch.next)))?;
        Ok(Some(ack))
    }

    /// The next offset of a partition. Without a received record it is the committed offset.
    fn position(&self, partition: &TopicPartition, consumer: &GroupConsumer) -> Option<i64> {
        if let Some(read) = self.partitions.iter().find(|read| read.partition == *partition) {
            return Some(read.next_offset);
        }
        let committed = committed(consumer, std::slice::from_ref(partition)).ok()?;
        committed.get(partition).copied()
    }

    /// Finds a partition. The first record after an assignment opens the assignment.
    fn find_or_open(
        &mut self,
        topic: &str,
        partition: i32,
        assignments: &Assignments,
    ) -> &mut ReadPartition {
        let is_match = |read: &ReadPartition| {
            read.partition.partition == partition && &*read.partition.topic == topic
        };
        if !self.partitions.get(self.last).is_some_and(is_match) {
            self.last = self.partitions.iter().position(is_match).unwrap_or(self.partitions.len());
        }
        if self.last == self.partitions.len() {
            let partition = TopicPartition { topic: topic.into(), partition };
            let assignment = assignments.open(partition.clone());
            let read = ReadPartition { partition, assignment, next_offset: 0, is_paused: false };
            self.partitions.push(read);
        }
        #[expect(clippy::indexing_slicing, reason = "the index was found, or pushed just now")]
        &mut self.partitions[self.last]
    }

    /// Removes a revoked partition.
    pub(super) fn remove(&mut self, partition: &TopicPartition) {
        self.partitions.retain(|read| read.partition != *partition);
        let paused = self.partitions.iter().filter(|read| read.is_paused).count();
        self.metrics.paused.set(i64::try_from(paused).unwrap_or(i64::MAX));
    }

    /// Removes all partitions, before a rewind to the committed offsets.
    pub(super) fn clear(&mut self) {
        self.metrics.paused.set(0);
        self.partitions.clear();
    }

    /// Pauses every partition, or resumes all partitions below the backlog limit.
    pub(super) fn set_accepting(
        &self,
        is_accepting: bool,
        consumer: &GroupConsumer,
    ) -> Result<(), Error> {
        let is_closed = &consumer.context().is_closed;
        if is_accepting != is_closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        is_closed.store(!is_accepting, Ordering::Relaxed);
        self.metrics.closed.set(i64::from(!is_accepting));
        let assigned = consumer.assignment().map_err(Error::call("the assignment"))?;
        if !is_accepting {
            return consumer.pause(&assigned).map_err(Error::call("pausing"));
        }
        consumer.resume(&assigned).map_err(Error::call("resuming"))?;
        let (paused, others): (Vec<_>, Vec<_>) =
            self.partitions.iter().partition(|read| read.is_paused);
        let paused = TopicPartition::list_of(paused.iter().map(|read| &read.partition));
        consumer.pause(&paused).map_err(Error::call("pausing"))?;
        resume(consumer, &others)
    }

    /// Resumes paused partitions once half of their backlog is committed. Returns true if partitions
    /// are still paused.
    pub(super) fn resume_relieved(&mut self, consumer: &GroupConsumer) -> Result<bool, Error> {
        let relieved = self.limit.divided_by(2);
        let mut resumed = Vec::new();
        let mut is_any_paused = false;
        for read in self.partitions.iter_mut().filter(|read| read.is_paused) {
            if read.assignment.pending().exceeds(relieved) {
                is_any_paused = true;
                continue;
            }
            read.is_paused = false;
            self.metrics.paused.dec();
            resumed.push(&*read);
        }
        resume(consumer, &resumed)?;
        Ok(is_any_paused)
    }
}

/// Resumes partitions, and seeks each to its next offset. While all partitions of a broker are
/// paused, librdkafka's thread for the broker sleeps up to a second, and only the seek wakes it
/// (2.12.1).
fn resume(consumer: &GroupConsumer, partitions: &[&ReadPartition]) -> Result<(), Error> {
    if partitions.is_empty() {
        return Ok(());
    }
    let list = TopicPartition::list_of(partitions.iter().map(|read| &read.partition));
    consumer.resume(&list).map_err(Error::call("resuming"))?;
    let mut positions = TopicPartitionList::with_capacity(partitions.len());
    for ReadPartition { partition, next_offset, .. } in partitions {
        let next = Offset::Offset(*next_offset);
        positions
            .add_partition_offset(&partition.topic, partition.partition, next)
            .map_err(Error::call("resuming"))?;
    }
    // With a zero timeout the call returns at once, and librdkafka seeks later.
    consumer.seek_partitions(positions, Duration::ZERO).map_err(Error::call("resuming"))?;
    Ok(())
}
