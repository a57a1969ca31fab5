//! Kafka as seen by outside clients: records written, records read, and offsets.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::runtime;
use uuid::Uuid;

use crate::direct_producer::{DeliveryReports, DirectProducer};
use crate::follower::Follower;
use crate::login::client_settings;
use crate::open_transaction::OpenTransaction;
use crate::record::{Isolation, NewRecord, Record};
use crate::wait::{BROKER_CALL, wait_until};

/// Larger than the limit of any topic, so tests can exceed the limits.
const MAX_RECORD_BYTES: &str = "100000000";
/// Largest value of librdkafka. A limit applies to records before compression.
const MAX_UNPACKED_BYTES: &str = "1000000000";

/// A Kafka cluster, seen by a user of the cluster.
#[derive(Clone, Debug)]
pub struct Kafka {
    bootstrap: String,
    user: Option<String>,
}

impl Kafka {
    /// The cluster at `bootstrap`, seen by `user` if the cluster has access lists.
    pub fn new(bootstrap: &str, user: Option<&str>) -> Self {
        Self { bootstrap: bootstrap.to_owned(), user: user.map(ToOwned::to_owned) }
    }

    /// Creates a topic.
    pub fn create_topic(&self, name: &str, partitions: i32) {
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(-1));
        let results = block_on(self.admin().create_topics([&topic], &admin_options())).unwrap();
        results[0].as_ref().unwrap_or_else(|error| panic!("creating {name}: {error:?}"));
    }

    /// Deletes a topic.
    pub fn delete_topic(&self, name: &str) {
        let results = block_on(self.admin().delete_topics(&[name], &admin_options())).unwrap();
        results[0].as_ref().unwrap_or_else(|error| panic!("deleting {name}: {error:?}"));
    }

    /// Sets these settings of a topic. All other settings return to the broker's defaults.
    pub fn set_topic_settings(&self, name: &str, settings: &[(&str, &str)]) {
        let topic = AlterConfig::new(ResourceSpecifier::Topic(name));
        let topic = settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value));
        let results = block_on(self.admin().alter_configs([&topic], &admin_options())).unwrap();
        results[0].as_ref().unwrap_or_else(|error| panic!("changing {name}: {error:?}"));
    }

    /// The effective settings of a topic.
    pub fn topic_settings(&self, name: &str) -> BTreeMap<String, String> {
        let topic = ResourceSpecifier::Topic(name);
        let results = block_on(self.admin().describe_configs([&topic], &admin_options())).unwrap();
        let described = results[0].as_ref().unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let setting = |entry: &rdkafka::admin::ConfigEntry| {
            (entry.name.clone(), entry.value.clone().unwrap_or_default())
        };
        described.entries.iter().map(setting).collect()
    }

    pub(crate) fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().expect("an admin")
    }

    /// A producer without compression.
    pub fn producer(&self) -> DirectProducer {
        self.producer_with_compression("none")
    }

    /// A producer with compression. A topic's limit applies to compressed batches.
    pub fn producer_with_compression(&self, codec: &str) -> DirectProducer {
        let inner = self
            .config()
            .set("linger.ms", "0")
            .set("compression.type", codec)
            .set("message.max.bytes", MAX_UNPACKED_BYTES)
            .create_with_context(DeliveryReports)
            .expect("a producer");
        DirectProducer::new(inner)
    }

    /// An idempotent producer. Retries for two minutes if a broker is away.
    pub fn reliable_producer(&self) -> DirectProducer {
        let inner = self
            .config()
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .set("message.timeout.ms", "120000")
            .create_with_context(DeliveryReports)
            .expect("a producer");
        DirectProducer::new(inner)
    }

    /// Writes records in a transaction and aborts it.
    pub fn produce_and_abort<'a>(&self, records: impl IntoIterator<Item = &'a NewRecord>) {
        self.open_transaction(records, Duration::from_mins(1)).abort();
    }

    /// Writes records in a transaction, and leaves the transaction open. The broker aborts the
    /// transaction after `time_limit`.
    pub fn open_transaction<'a>(
        &self,
        records: impl IntoIterator<Item = &'a NewRecord>,
        time_limit: Duration,
    ) -> OpenTransaction {
        let inner = self
            .config()
            .set("transactional.id", format!("testkit-{}", Uuid::new_v4()))
            .set("transaction.timeout.ms", time_limit.as_millis().to_string())
            .create_with_context(DeliveryReports)
            .expect("a producer");
        OpenTransaction::begin(DirectProducer::new(inner), records)
    }

    /// Reads a whole topic, partition by partition.
    #[track_caller]
    pub fn scan(&self, topic: &str, isolation: Isolation) -> Vec<Record> {
        let mut follower = self.follow(topic, isolation);
        let deadline = Instant::now() + BROKER_CALL;
        while !follower.is_at_end() {
            assert!(Instant::now() < deadline, "reading all of {topic} takes too long");
            follower.poll();
        }
        let mut records = follower.into_records();
        records.sort_by_key(|record| record.position);
        records
    }

    /// A reader of a whole topic, from its beginning.
    #[track_caller]
    pub fn follow(&self, topic: &str, isolation: Isolation) -> Follower {
        let consumer: BaseConsumer = self
            .config()
            .set("group.id", format!("testkit-{}", Uuid::new_v4()))
            .set("isolation.level", isolation.level())
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "10")
            .set("fetch.message.max.bytes", MAX_RECORD_BYTES)
            .set("receive.message.max.bytes", "200000000")
            .create()
            .expect("a consumer");
        let partitions = partitions(&consumer, topic);
        Follower::new(consumer, topic, partitions)
    }

    /// End offset of each partition. With an open transaction, this is the transaction's first
    /// offset.
    #[track_caller]
    pub fn end_offsets(&self, topic: &str) -> Vec<i64> {
        self.ends(topic, Isolation::Committed)
    }

    /// Returns whether a topic has no open transaction.
    #[track_caller]
    pub fn is_settled(&self, topic: &str) -> bool {
        self.ends(topic, Isolation::Committed) == self.ends(topic, Isolation::Uncommitted)
    }

    fn ends(&self, topic: &str, isolation: Isolation) -> Vec<i64> {
        let consumer: BaseConsumer = self
            .config()
            .set("group.id", "testkit-offsets")
            .set("isolation.level", isolation.level())
            .create()
            .expect("a consumer");
        (0..partitions(&consumer, topic))
            .map(|partition| consumer.fetch_watermarks(topic, partition, BROKER_CALL).unwrap().1)
            .collect()
    }

    /// Committed offset of a group in each partition of a topic, if any.
    #[track_caller]
    pub fn committed(&self, group: &str, topic: &str) -> Vec<Option<i64>> {
        let consumer: BaseConsumer =
            self.config().set("group.id", group).create().expect("a consumer");
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions(&consumer, topic) - 1);
        let committed = consumer.committed_offsets(list, BROKER_CALL).expect("committed offsets");
        committed
            .elements()
            .iter()
            .map(|element| element.offset().to_raw().filter(|o| *o >= 0))
            .collect()
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", "testkit")
            .set("reconnect.backoff.max.ms", "500")
            .set("log_level", "2");
        for (name, value) in self.user.iter().flat_map(|user| client_settings(user)) {
            config.set(name, value);
        }
        config
    }
}

pub(crate) fn admin_options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(BROKER_CALL)).request_timeout(Some(BROKER_CALL))
}

pub(crate) fn block_on<T>(call: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(call)
}

/// Waits until a new topic is known to the broker. Returns its number of partitions.
#[track_caller]
fn partitions(consumer: &BaseConsumer, topic: &str) -> i32 {
    let count = wait_until(topic, BROKER_CALL, || {
        let metadata =
            consumer.fetch_metadata(Some(topic), BROKER_CALL).map_err(|error| error.to_string())?;
        match metadata.topics()[0].partitions().len() {
            0 => Err("it does not exist".to_owned()),
            count => Ok(count),
        }
    });
    i32::try_from(count).unwrap()
}
