//! Reads one fixed partition from its current end, without a consumer group: an ingress instance
//! receives its replies here. A group would reassign the partition at every deployment and lose
//! replies.

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use crate::config::{KafkaConfig, POLL_INTERVAL};
use crate::context::Logging;
use crate::error::Error;
use crate::record::InboundRecord;
use crate::watermarks::watermarks;

/// A reader of one partition.
pub struct PartitionReader {
    consumer: BaseConsumer<Logging>,
    name: String,
}

impl PartitionReader {
    /// Opens a reader at the current end of the partition. Every record written after this call
    /// returns will be read. Blocks.
    pub fn open(
        config: &KafkaConfig,
        name: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Self, Error> {
        // rdkafka delivers no records without a group id. No offset is ever committed.
        let client = config.consumer(name, &[("group.id", name)]);
        let consumer: BaseConsumer<Logging> = client
            .create_with_context(Logging { client: name.to_owned() })
            .map_err(Error::client(name))?;
        let (_, end) = watermarks(&consumer, topic, partition)?;
        let mut position = TopicPartitionList::new();
        position
            .add_partition_offset(topic, partition, Offset::Offset(end))
            .and_then(|()| consumer.assign(&position))
            .map_err(Error::call(format!("a position in {topic}/{partition}")))?;
        tracing::info!(
            kafka.topic = topic,
            kafka.partition = partition,
            kafka.offset = end,
            "reading"
        );
        Ok(Self { consumer, name: name.to_owned() })
    }

    /// Passes every record to `on_record` until `is_stopping`. Waits through connection trouble;
    /// only a fatal error is returned.
    pub fn run(
        self,
        is_stopping: impl Fn() -> bool,
        mut on_record: impl FnMut(&InboundRecord<'_>),
    ) -> Result<(), Error> {
        while !is_stopping() {
            match self.consumer.poll(POLL_INTERVAL) {
                None => {}
                Some(Ok(message)) => on_record(&InboundRecord::new(message)),
                Some(Err(source @ KafkaError::MessageConsumptionFatal(_))) => {
                    return Err(Error::Fatal { client: self.name, source });
                }
                Some(Err(error)) => {
                    tracing::warn!(kafka.client = self.name, error = %error, "poll failed; polling again");
                }
            }
        }
        Ok(())
    }
}
