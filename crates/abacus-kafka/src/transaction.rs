//! Writes records and a group's progress in one transaction, for tools: a failure aborts the
//! transaction and ends the tool. Services use [`crate::stream`].

use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

use crate::config::{CALL_TIMEOUT, KafkaConfig};
use crate::context::{self, Logging};
use crate::error::Error;
use crate::lost_connections::LostConnections;
use crate::record::{OutboundRecord, to_kafka_headers};

/// Longest time for each step of a transaction.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// Settings for copies of foreign records. A record that arrived compressed must be compressed again
/// to fit the topic, and may be larger than any record of a service.
const COPY_SETTINGS: [(&str, &str); 2] =
    [("compression.type", "gzip"), ("message.max.bytes", "100000000")];

/// A group's progress in one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The partition.
    pub partition: i32,
    /// The committed offset, if any: the next offset to read.
    pub next: Option<i64>,
    /// Text committed with the offset. The broker accepts 4096 bytes by default.
    pub note: String,
}

/// A transaction failed. It has had no effect, or, if its outcome is unknown, possibly its whole
/// effect. In both cases the caller may restart from the group's progress.
#[derive(Debug, thiserror::Error)]
#[error("a transaction failed")]
pub struct TransactionError {
    /// Index of the record refused by Kafka, if a refusal is the reason.
    pub record: Option<usize>,
    /// Kafka's reason.
    #[source]
    pub source: Box<Error>,
}

/// Writes transactions for one group and topic.
pub struct TransactionWriter {
    producer: ThreadedProducer<Context>,
    group: BaseConsumer<Logging>,
    topic: String,
    /// The producer has lost a connection during a transaction.
    has_lost_connection: bool,
}

struct Context {
    name: String,
    /// Index and error of the first unwritten record.
    failure: Mutex<Option<(usize, KafkaError)>>,
    lost_connections: LostConnections,
}

impl TransactionWriter {
    /// Opens a writer for `group`, a reader of `topic`. Fences earlier writers for this group and
    /// topic, and aborts their open transactions. Blocks.
    pub fn open(config: &KafkaConfig, group: &str, topic: &str) -> Result<Self, Error> {
        let name = format!("{group}-{topic}");
        let own = [&[("transactional.id", name.as_str())][..], &COPY_SETTINGS].concat();
        let context = Context {
            name: name.clone(),
            failure: Mutex::default(),
            lost_connections: LostConnections::default(),
        };
        let mut client = config.producer(&name, &own);
        LostConnections::enable(&mut client);
        let producer = ThreadedProducer::from_config_and_context(&client, context)
            .map_err(Error::client(&name))?;
        producer.init_transactions(STEP_TIMEOUT).map_err(Error::call("fencing earlier writers"))?;
        let (group, topic) = (member(config, group)?, topic.to_owned());
        Ok(Self { producer, group, topic, has_lost_connection: false })
    }

    /// Writes `records` and the group's progress in one transaction. Blocks.
    pub fn write(
        &mut self,
        records: &[OutboundRecord],
        progress: &[Progress],
    ) -> Result<(), TransactionError> {
        self.attempt(records, progress).map_err(|source| {
            if let Err(error) = self.producer.abort_transaction(STEP_TIMEOUT) {
                tracing::warn!(error = %error, "cannot abort the transaction; the broker will");
            }
            let failure = self.producer.context().take_failure();
            let refused = failure.filter(|(_, error)| is_refusal(error));
            TransactionError { record: refused.map(|(record, _)| record), source: Box::new(source) }
        })
    }

    fn attempt(&mut self, records: &[OutboundRecord], progress: &[Progress]) -> Result<(), Error> {
        let offsets = offsets(&self.topic, progress)?;
        let context = self.producer.context();
        if self.has_lost_connection {
            return Err(Error::LostConnection(context.name.clone()));
        }
        let run = || self.run_transaction(records, &offsets);
        let (result, has_lost_connection) =
            context.lost_connections.during(run, || self.read_event());
        self.has_lost_connection = has_lost_connection;
        result
    }

    fn run_transaction(
        &self,
        records: &[OutboundRecord],
        offsets: &TopicPartitionList,
    ) -> Result<(), Error> {
        self.producer.begin_transaction().map_err(Error::call("beginning a transaction"))?;
        for (index, record) in records.iter().enumerate() {
            self.send(index, record);
        }
        self.producer.flush(STEP_TIMEOUT).map_err(Error::call("writing a transaction"))?;
        self.producer.context().check()?;
        if let Some(group) = self.group.group_metadata()
            && offsets.count() > 0
        {
            self.producer
                .send_offsets_to_transaction(offsets, &group, STEP_TIMEOUT)
                .map_err(Error::call("adding the progress to a transaction"))?;
        }
        self.producer
            .commit_transaction(STEP_TIMEOUT)
            .map_err(Error::call("committing a transaction"))
    }

    /// Reads a queued event. Returns false if no event is queued and no record is in flight.
    fn read_event(&self) -> bool {
        let has_event = self.producer.in_flight_count() > 0;
        if has_event {
            self.producer.poll(Duration::ZERO);
        }
        has_event
    }

    fn send(&self, index: usize, record: &OutboundRecord) {
        let headers = record.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let mut message = BaseRecord::with_opaque_to(&record.topic, index)
            .key(record.key.as_slice())
            .payload(record.payload.as_slice())
            .headers(to_kafka_headers(headers));
        if let Some(partition) = record.partition {
            message = message.partition(partition);
        }
        if let Err((error, _)) = self.producer.send(message) {
            self.producer.context().note_failure(index, &error);
        }
    }
}

/// True if the record itself is at fault, and no retry can succeed.
fn is_refusal(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{InvalidRecord, MessageSizeTooLarge, UnknownPartition};
    let code = error.rdkafka_error_code();
    matches!(code, Some(InvalidRecord | MessageSizeTooLarge | UnknownPartition))
}

/// Returns the progress of `group` in `topic`, by partition. Blocks.
pub fn progress(
    config: &KafkaConfig,
    group: &str,
    topic: &str,
    partitions: impl Iterator<Item = i32>,
) -> Result<Vec<Progress>, Error> {
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(topic, partition);
    }
    let committed = member(config, group)?
        .committed_offsets(list, CALL_TIMEOUT)
        .map_err(Error::call(format!("the progress of {group}")))?;
    let progress = committed.elements().into_iter().map(|element| Progress {
        partition: element.partition(),
        next: element.offset().to_raw().filter(|offset| *offset >= 0),
        note: element.metadata().to_owned(),
    });
    Ok(progress.collect())
}

/// Connects a client for the offsets and metadata of a group, without joining the group.
fn member(config: &KafkaConfig, group: &str) -> Result<BaseConsumer<Logging>, Error> {
    let client = config.consumer(group, &[("group.id", group)]);
    let context = Logging { client: group.to_owned() };
    client.create_with_context(context).map_err(Error::client(group))
}

fn offsets(topic: &str, progress: &[Progress]) -> Result<TopicPartitionList, Error> {
    let mut offsets = TopicPartitionList::new();
    for progress in progress {
        let Some(next) = progress.next else { continue };
        let mut element = offsets.add_partition(topic, progress.partition);
        element.set_offset(Offset::Offset(next)).map_err(Error::call("an offset"))?;
        element.set_metadata(&progress.note);
    }
    Ok(offsets)
}

impl Context {
    fn take_failure(&self) -> Option<(usize, KafkaError)> {
        self.failure.lock().take()
    }

    /// Fails if a record is unwritten.
    fn check(&self) -> Result<(), Error> {
        let failure = self.failure.lock().as_ref().map(|(_, error)| error.clone());
        failure.map_or(Ok(()), |error| Err(Error::call("writing a record")(error)))
    }

    fn note_failure(&self, record: usize, error: &KafkaError) {
        self.failure.lock().get_or_insert_with(|| (record, error.clone()));
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.lost_connections.read_log(facility, message);
        context::log(&self.name, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        context::error(&self.name, &error, reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, record: usize) {
        if let Err((error, _)) = result {
            self.note_failure(record, error);
        }
    }
}
