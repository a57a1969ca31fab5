//! A consumer group as others see it: whether it has begun, and how far it is.

use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::groups::GroupMemberInfo;
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka;
use crate::topic_set::TopicSet;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks the group's coordinator, and never joins.
pub(crate) struct Group {
    name: String,
    consumer: BaseConsumer,
    partitions: TopicPartitionList,
}

impl Group {
    /// A group that reads `topics` of the set.
    pub(crate) fn new(set: &TopicSet, name: &str, topics: &[&str]) -> Result<Self> {
        let consumer = kafka::client(set.bootstrap())
            .set("group.id", name)
            .set("enable.auto.commit", "false")
            .create()?;
        let mut partitions = TopicPartitionList::new();
        for topic in topics {
            for partition in set.partitions() {
                partitions.add_partition(topic, partition);
            }
        }
        Ok(Self { name: name.to_owned(), consumer, partitions })
    }

    /// Whether so many members have been given partitions to read.
    pub(crate) fn has_begun(&self, members: usize) -> Result<bool> {
        let groups = match self.consumer.fetch_group_list(Some(&self.name), TIMEOUT) {
            Err(error) if is_on_the_way(&error) => return Ok(false),
            groups => groups?,
        };
        let reading = groups.groups().iter().find(|group| group.state() == "Stable").map(|group| {
            let has_partitions = |member: &&GroupMemberInfo| !is_empty(member.assignment());
            group.members().iter().filter(has_partitions).count()
        });
        Ok(reading.is_some_and(|reading| reading >= members))
    }

    /// Offsets up to the ends of the partitions, transaction markers among them.
    pub(crate) fn end(&self) -> Result<u64> {
        let mut offsets = 0;
        for element in self.partitions.elements() {
            let (topic, partition) = (element.topic(), element.partition());
            let (_, high) = self.consumer.fetch_watermarks(topic, partition, TIMEOUT)?;
            offsets += u64::try_from(high)?;
        }
        Ok(offsets)
    }

    /// Offsets up to the committed ones, over all partitions; topics begin at offset zero.
    pub(crate) fn committed(&self) -> Result<u64> {
        let committed = match self.consumer.committed_offsets(self.partitions.clone(), TIMEOUT) {
            Err(error) if is_on_the_way(&error) => return Ok(0),
            committed => committed.with_context(|| format!("the offsets of {}", self.name))?,
        };
        let mut records = 0;
        for element in committed.elements() {
            element.error()?;
            if let Offset::Offset(offset) = element.offset() {
                records += u64::try_from(offset)?;
            }
        }
        Ok(records)
    }
}

/// A group that has just been made has its coordinator on the way.
fn is_on_the_way(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::NotCoordinator
                | RDKafkaErrorCode::CoordinatorNotAvailable
                | RDKafkaErrorCode::CoordinatorLoadInProgress
        )
    )
}

/// An assignment begins with its version, in two bytes, and the number of its topics, in four.
fn is_empty(assignment: Option<&[u8]>) -> bool {
    assignment.and_then(|bytes| bytes.get(2..6)).is_none_or(|topics| topics == [0; 4])
}
