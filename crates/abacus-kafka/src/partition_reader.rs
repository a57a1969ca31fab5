//! Reading one fixed partition from now on, with no consumer group: how an ingress instance hears
//! its replies. A group would take the partition away at every deployment, replies with it.

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use crate::config::{KafkaConfig, POLL_INTERVAL};
use crate::context::Logging;
use crate::error::Error;
use crate::record::InboundRecord;
use crate::watermarks::watermarks;

/// A reader positioned in one partition.
pub struct PartitionReader {
    consumer: BaseConsumer<Logging>,
    name: String,
}

impl PartitionReader {
    /// Positions a reader at the present end of the partition: every record written after this
    /// call has returned will be read. Blocks.
    pub fn open(
        config: &KafkaConfig,
        name: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Self, Error> {
        // rdkafka delivers nothing without a group id; nothing is ever committed to it.
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

    /// Hands every record to `on_record` until `is_stopping`. Connection trouble is waited out;
    /// only a fatal error ends it.
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
                    tracing::warn!(kafka.client = self.name, error = %error, "reading goes on");
                }
            }
        }
        Ok(())
    }
}
