//! Kafka clients of the floor, set for the lowest latency.

use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseRecord, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::{self, Deliveries};

/// Longest wait of one poll.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// An idempotent producer with a polling thread. Counts failed deliveries.
pub(crate) struct Producer {
    inner: ThreadedProducer<Deliveries>,
    deliveries: Deliveries,
}

/// A record to write.
pub(crate) struct Record<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) key: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) headers: OwnedHeaders,
}

/// A consumer of the first `partitions` partitions of `topic`, from the beginning. The topics are
/// new, so the order of starting consumers and producers does not matter.
pub(crate) fn consumer(bootstrap: &str, topic: &str, partitions: i32) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = kafka::client(bootstrap)
        // rdkafka delivers no records without a group id. The group never commits.
        .set("group.id", "abacus-bench")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "20")
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.error.backoff.ms", "50")
        .create()?;
    let mut position = TopicPartitionList::new();
    for partition in 0..partitions {
        position.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&position).with_context(|| format!("cannot read {topic}"))?;
    Ok(consumer)
}

impl Producer {
    pub(crate) fn connect(bootstrap: &str) -> Result<Self> {
        let mut config = kafka::producer(bootstrap);
        config.set("linger.ms", "0");
        let deliveries = Deliveries::default();
        let inner = ThreadedProducer::from_config_and_context(&config, deliveries.clone())?;
        Ok(Self { inner, deliveries })
    }

    pub(crate) fn send(&self, record: Record<'_>) -> Result<()> {
        let Record { topic, partition, key, payload, headers } = record;
        let record = BaseRecord::to(topic).partition(partition).key(key).payload(payload);
        let sent = self.inner.send(record.headers(headers)).map_err(|(error, _)| error);
        sent.with_context(|| format!("cannot write to {topic}/{partition}"))
    }

    /// Fails if a record was not written.
    pub(crate) fn check(&self) -> Result<()> {
        self.deliveries.check()
    }
}
