//! A consumer group seen from outside: start and progress.

use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::groups::GroupMemberInfo;
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka;
use crate::topic_set::TopicSet;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A view of one group through its coordinator. Never joins the group.
pub(crate) struct Group {
    name: String,
    consumer: BaseConsumer,
    partitions: TopicPartitionList,
}

impl Group {
    /// A group reading `topics` of the set.
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

    /// Returns whether at least `members` members have partitions.
    pub(crate) fn has_begun(&self, members: usize) -> Result<bool> {
        let groups = match self.consumer.fetch_group_list(Some(&self.name), TIMEOUT) {
            Err(error) if is_coordinator_starting(&error) => return Ok(false),
            groups => groups?,
        };
        let reading = groups.groups().iter().find(|group| group.state() == "Stable").map(|group| {
            let has_partitions = |member: &&GroupMemberInfo| !is_empty(member.assignment());
            group.members().iter().filter(has_partitions).count()
        });
        Ok(reading.is_some_and(|reading| reading >= members))
    }

    /// Sum of the end offsets of all partitions, including transaction markers.
    pub(crate) fn end(&self) -> Result<u64> {
        let mut offsets = 0;
        for element in self.partitions.elements() {
            let (topic, partition) = (element.topic(), element.partition());
            let (_, high) = self.consumer.fetch_watermarks(topic, partition, TIMEOUT)?;
            offsets += u64::try_from(high)?;
        }
        Ok(offsets)
    }

    /// Sum of the committed offsets of all partitions. Topics begin at offset zero.
    pub(crate) fn committed(&self) -> Result<u64> {
        let committed = match self.consumer.committed_offsets(self.partitions.clone(), TIMEOUT) {
            Err(error) if is_coordinator_starting(&error) => return Ok(0),
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

/// Returns whether the coordinator of a new group is not available yet.
fn is_coordinator_starting(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::NotCoordinator
                | RDKafkaErrorCode::CoordinatorNotAvailable
                | RDKafkaErrorCode::CoordinatorLoadInProgress
        )
    )
}

/// Returns whether an assignment names no topic. An assignment begins with two bytes of version and
/// four bytes of topic count.
fn is_empty(assignment: Option<&[u8]>) -> bool {
    assignment.and_then(|bytes| bytes.get(2..6)).is_none_or(|topics| topics == [0; 4])
}
