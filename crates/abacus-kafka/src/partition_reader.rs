//! Reads one fixed partition from its current end, without a consumer group: an ingress instance
//! receives its replies here. A group would reassign the partition at every deployment and lose
//! replies.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use crate::config::{KafkaConfig, POLL_INTERVAL};
use crate::context::Logging;
use crate::error::Error;
use crate::record::{InboundRecord, TopicPartition};
use crate::unreadable::{ReadMonitor, UnreadableBatch, Watch};
use crate::watermarks::watermarks;

/// Longest time until an unreadable batch is skipped: soon after, nobody waits for the replies behind
/// the batch.
const LONGEST_STANDSTILL: Duration = Duration::from_secs(5);

/// A reader of one partition.
pub struct PartitionReader {
    consumer: Arc<BaseConsumer<Logging>>,
    name: String,
    /// The offset at which reading started last.
    start: Arc<AtomicI64>,
    watch: Watch,
}

impl PartitionReader {
    /// Opens a reader at the current end of the partition. Every record written after this call
    /// returns will be read. Blocks.
    pub fn open(
        config: &KafkaConfig,
        name: &str,
        topic: &str,
        partition: i32,
        monitor: ReadMonitor,
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
        let (consumer, start) = (Arc::new(consumer), Arc::new(AtomicI64::new(end)));
        let sought = Arc::clone(&start);
        let start_of = Box::new(move |_: &_| Some(sought.load(Ordering::Acquire)));
        let skip_unreadable_after = config.skip_unreadable_after.min(LONGEST_STANDSTILL);
        let config = KafkaConfig { skip_unreadable_after, ..config.clone() };
        let watch = Watch::spawn(config, name, &consumer, start_of, monitor)?;
        Ok(Self { consumer, name: name.to_owned(), start, watch })
    }

    /// Passes every record to `on_record` until `is_stopping`. Waits through connection trouble;
    /// only a fatal error is returned.
    pub fn run(
        self,
        is_stopping: impl Fn() -> bool,
        mut on_record: impl FnMut(&InboundRecord<'_>),
    ) -> Result<(), Error> {
        while !is_stopping() {
            for batch in self.watch.take() {
                self.skip(&batch)?;
            }
            match self.consumer.poll(POLL_INTERVAL) {
                None => {}
                Some(Ok(message)) => on_record(&InboundRecord::new(message)),
                Some(Err(source @ KafkaError::MessageConsumptionFatal(_))) => {
                    return Err(Error::Fatal { client: self.name, source });
                }
                // The client's context has logged the error. A batch that cannot be read is found by
                // the watch.
                Some(Err(error)) => tracing::debug!(error = %error, "poll failed; polling again"),
            }
        }
        Ok(())
    }

    /// Continues after an unreadable batch, if no later record was read.
    fn skip(&self, batch: &UnreadableBatch) -> Result<(), Error> {
        let TopicPartition { topic, partition } = &batch.partition;
        let positions = self.consumer.position().map_err(Error::call("the position"))?;
        let position = positions.find_partition(topic, *partition).map(|found| found.offset());
        if matches!(position, Some(Offset::Offset(offset)) if offset != batch.position) {
            return Ok(());
        }
        self.consumer
            .seek(topic, *partition, Offset::Offset(batch.next), Duration::ZERO)
            .map_err(Error::call(format!("seeking to {}@{}", batch.partition, batch.next)))?;
        self.start.store(batch.next, Ordering::Release);
        Ok(())
    }
}
