//! Kafka as somebody from outside sees it: records in, records out, offsets.

use std::time::{Duration, Instant};

use std::collections::BTreeMap;

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime;
use uuid::Uuid;

use crate::direct_producer::{Deliveries, DirectProducer};

/// How long one answer of the broker may take.
pub(crate) const CALL: Duration = Duration::from_secs(30);
/// How long one poll waits.
const POLL: Duration = Duration::from_millis(20);
/// Beyond what any topic takes: to try that is a test's business.
const MAX_RECORD_BYTES: &str = "100000000";

/// A cluster.
#[derive(Clone, Debug)]
pub struct Kafka {
    bootstrap: String,
}

/// What a reader sees of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// What was committed, up to the first open transaction.
    Committed,
    /// Everything that was written, aborted or not.
    Uncommitted,
}

impl Isolation {
    fn level(self) -> &'static str {
        match self {
            Self::Committed => "read_committed",
            Self::Uncommitted => "read_uncommitted",
        }
    }
}

/// A record to write.
#[derive(Clone, Debug, Default)]
pub struct NewRecord {
    /// The topic.
    pub topic: String,
    /// The partition; `None` leaves it to the key.
    pub partition: Option<i32>,
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub payload: Vec<u8>,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Where a record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it is.
    pub place: Place,
    /// The key; empty if there is none.
    pub key: Vec<u8>,
    /// The value; empty if there is none.
    pub payload: Vec<u8>,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Record {
    /// The value of the header `name`, as text.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.iter().find(|(key, _)| key == name);
        let (_, value) = value.unwrap_or_else(|| panic!("no header {name} in {:?}", self.headers));
        std::str::from_utf8(value).unwrap_or_else(|_| panic!("header {name} is {value:?}"))
    }
}

impl Kafka {
    /// The cluster at `bootstrap`.
    pub fn new(bootstrap: &str) -> Self {
        Self { bootstrap: bootstrap.to_owned() }
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

    /// Gives a topic these settings, and the broker's defaults for all others.
    pub fn set_topic_settings(&self, name: &str, settings: &[(&str, &str)]) {
        let topic = AlterConfig::new(ResourceSpecifier::Topic(name));
        let topic = settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value));
        let results = block_on(self.admin().alter_configs([&topic], &admin_options())).unwrap();
        results[0].as_ref().unwrap_or_else(|error| panic!("changing {name}: {error:?}"));
    }

    /// A topic's settings as they are in effect.
    pub fn topic_settings(&self, name: &str) -> BTreeMap<String, String> {
        let topic = ResourceSpecifier::Topic(name);
        let results = block_on(self.admin().describe_configs([&topic], &admin_options())).unwrap();
        let described = results[0].as_ref().unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let setting = |entry: &rdkafka::admin::ConfigEntry| {
            (entry.name.clone(), entry.value.clone().unwrap_or_default())
        };
        described.entries.iter().map(setting).collect()
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().expect("an admin")
    }

    /// A producer of single records.
    pub fn producer(&self) -> DirectProducer {
        self.producer_with_compression("none")
    }

    /// A producer that compresses: what a topic takes is measured after that.
    pub fn producer_with_compression(&self, codec: &str) -> DirectProducer {
        let inner = self
            .config()
            .set("linger.ms", "0")
            .set("compression.type", codec)
            .set("message.max.bytes", MAX_RECORD_BYTES)
            .create_with_context(Deliveries)
            .expect("a producer");
        DirectProducer::new(inner)
    }

    /// A producer that writes every record exactly once, and does not give up while a broker is
    /// away for a moment.
    pub fn reliable_producer(&self) -> DirectProducer {
        let inner = self
            .config()
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .set("message.timeout.ms", "120000")
            .create_with_context(Deliveries)
            .expect("a producer");
        DirectProducer::new(inner)
    }

    /// Writes records in a transaction, and aborts it.
    pub fn produce_and_abort<'a>(&self, records: impl IntoIterator<Item = &'a NewRecord>) {
        let inner = self
            .config()
            .set("transactional.id", format!("testkit-{}", Uuid::new_v4()))
            .create_with_context(Deliveries)
            .expect("a producer");
        DirectProducer::new(inner).produce_and_abort(records);
    }

    /// Everything in a topic, partition by partition.
    #[track_caller]
    pub fn scan(&self, topic: &str, isolation: Isolation) -> Vec<Record> {
        let mut follower = self.follow(topic, isolation);
        let deadline = Instant::now() + CALL;
        while !follower.is_at_end() {
            assert!(Instant::now() < deadline, "reading all of {topic} takes too long");
            follower.poll();
        }
        let mut records = follower.into_records();
        records.sort_by_key(|record| record.place);
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
        let mut assignment = TopicPartitionList::new();
        for partition in 0..partitions {
            assignment.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&assignment).expect("an assignment");
        let is_at_end = vec![false; usize::try_from(partitions).unwrap()];
        Follower { consumer, topic: topic.to_owned(), is_at_end, records: Vec::new() }
    }

    /// The next offset to be written in each partition; where a transaction is open, its first.
    #[track_caller]
    pub fn end_offsets(&self, topic: &str) -> Vec<i64> {
        self.ends(topic, Isolation::Committed)
    }

    /// Whether no transaction is open in a topic.
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
            .map(|partition| consumer.fetch_watermarks(topic, partition, CALL).unwrap().1)
            .collect()
    }

    /// What a group has committed in each partition of a topic; `None` where it has not.
    #[track_caller]
    pub fn committed(&self, group: &str, topic: &str) -> Vec<Option<i64>> {
        let consumer: BaseConsumer =
            self.config().set("group.id", group).create().expect("a consumer");
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, partitions(&consumer, topic) - 1);
        let committed = consumer.committed_offsets(list, CALL).expect("committed offsets");
        committed
            .elements()
            .iter()
            .map(|element| element.offset().to_raw().filter(|o| *o >= 0))
            .collect()
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", "testkit")
            .set("reconnect.backoff.max.ms", "500")
            .set("log_level", "2");
        config
    }
}

fn admin_options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(CALL)).request_timeout(Some(CALL))
}

fn block_on<T>(call: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(call)
}

/// A topic that was just created may take a moment to be known to every broker.
#[track_caller]
fn partitions(consumer: &BaseConsumer, topic: &str) -> i32 {
    let count = crate::wait::wait_until(topic, CALL, || {
        let metadata =
            consumer.fetch_metadata(Some(topic), CALL).map_err(|error| error.to_string())?;
        match metadata.topics()[0].partitions().len() {
            0 => Err("it does not exist".to_owned()),
            count => Ok(count),
        }
    });
    i32::try_from(count).unwrap()
}

/// Reads a topic from its beginning, and keeps what it has read.
pub struct Follower {
    consumer: BaseConsumer,
    topic: String,
    is_at_end: Vec<bool>,
    records: Vec<Record>,
}

impl Follower {
    /// Reads what there is, waiting a moment for the first record.
    pub fn poll(&mut self) -> &[Record] {
        let mut wait = POLL;
        while let Some(polled) = self.consumer.poll(wait) {
            wait = Duration::ZERO;
            match polled {
                Ok(message) => {
                    let record = to_record(&message);
                    self.records.push(record);
                }
                Err(KafkaError::PartitionEOF(partition)) => {
                    self.is_at_end[usize::try_from(partition).unwrap()] = true;
                }
                // Whoever stops a broker knows that it is away.
                Err(error) if is_outage(&error) => {}
                Err(error) => eprintln!("reading {} goes on after: {error}", self.topic),
            }
        }
        &self.records
    }

    /// Reads on until `probe` is content with all that was read so far.
    #[track_caller]
    pub fn wait_until<T>(
        &mut self,
        what: &str,
        patience: Duration,
        mut probe: impl FnMut(&[Record]) -> Result<T, String>,
    ) -> T {
        let what = format!("{what} in {}", self.topic);
        crate::wait::wait_until(&what, patience, || probe(self.poll()))
    }

    /// Reads what there is, and gives and forgets what was read since the last time.
    pub fn take(&mut self) -> Vec<Record> {
        self.poll();
        std::mem::take(&mut self.records)
    }

    /// What was read so far, in the order of reading.
    pub fn into_records(self) -> Vec<Record> {
        self.records
    }

    fn is_at_end(&self) -> bool {
        self.is_at_end.iter().all(|is_at_end| *is_at_end)
    }
}

fn is_outage(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure};
    matches!(error.rdkafka_error_code(), Some(AllBrokersDown | BrokerTransportFailure))
}

fn to_record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map(|headers| {
        let owned = |header: Header<'_, &[u8]>| {
            (header.key.to_owned(), header.value.unwrap_or_default().to_vec())
        };
        headers.iter().map(owned).collect()
    });
    Record {
        place: Place { partition: message.partition(), offset: message.offset() },
        key: message.key().unwrap_or_default().to_vec(),
        payload: message.payload().unwrap_or_default().to_vec(),
        headers: headers.unwrap_or_default(),
    }
}
