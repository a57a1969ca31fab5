//! Kafka clients set for the lowest latency, for both sides of the floor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{DeliveryResult, OwnedHeaders};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};

/// How long one poll waits for something to happen.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// An idempotent producer with a polling thread, and what became of its records.
pub(super) struct Producer {
    inner: ThreadedProducer<Deliveries>,
    failed: Arc<AtomicU64>,
}

/// A record to write.
pub(super) struct Record<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    pub(super) key: &'a [u8],
    pub(super) payload: &'a [u8],
    pub(super) headers: OwnedHeaders,
}

/// Counts the records that were not written.
struct Deliveries {
    failed: Arc<AtomicU64>,
}

/// A client that only asks or tells the cluster about itself.
pub(super) fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("client.id", "abacus-bench")
        .set("socket.nagle.disable", "true")
        .set("allow.auto.create.topics", "false");
    config
}

/// A consumer that reads the first `partitions` partitions of `topic` from their beginning: topics are
/// new, so nothing is missed, whoever is up first.
pub(super) fn consumer(bootstrap: &str, topic: &str, partitions: i32) -> Result<BaseConsumer> {
    let consumer: BaseConsumer = client(bootstrap)
        // rdkafka delivers nothing without a group id; nothing is ever committed to it.
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
    pub(super) fn connect(bootstrap: &str) -> Result<Self> {
        let mut config = client(bootstrap);
        config.set("enable.idempotence", "true").set("acks", "all").set("linger.ms", "0");
        let failed = Arc::<AtomicU64>::default();
        let deliveries = Deliveries { failed: Arc::clone(&failed) };
        let inner = ThreadedProducer::from_config_and_context(&config, deliveries)?;
        Ok(Self { inner, failed })
    }

    pub(super) fn send(&self, record: Record<'_>) -> Result<()> {
        let Record { topic, partition, key, payload, headers } = record;
        let record = BaseRecord::to(topic).partition(partition).key(key).payload(payload);
        let sent = self.inner.send(record.headers(headers)).map_err(|(error, _)| error);
        sent.with_context(|| format!("cannot write to {topic}/{partition}"))
    }

    /// Errs if a record was not written.
    pub(super) fn check(&self) -> Result<()> {
        let failed = self.failed.load(Ordering::Relaxed);
        ensure!(failed == 0, "{failed} records could not be written");
        Ok(())
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
