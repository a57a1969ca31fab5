//! A producer for single records with a waiting caller: no linger, and a delivery report for every
//! record.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _, OwnedMessage};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use crate::availability::{Availability, PROBE_TIMEOUT};
use crate::config::{CALL_TIMEOUT, KafkaConfig};
use crate::context;
use crate::error::{Error, SendError};
use crate::record::{Header, to_kafka_headers};

/// Settings of a producer.
#[derive(Clone, Debug)]
pub struct ProducerSettings {
    /// Name of the client in logs and at the broker.
    pub name: String,
    /// Longest wait of a record to be written, retries included.
    pub delivery_timeout: Duration,
    /// Effect of retries.
    pub duplicates: Duplicates,
    /// Most bytes waiting to be written. Beyond, sending fails with [`SendError::QueueFull`].
    pub queue_bytes: u64,
}

/// Effect of retrying a record after its first attempt was written without an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// The record is written once: the producer is idempotent. While five records are in flight to a
    /// partition and more wait, librdkafka's thread spins instead of sleeping: 60 % of a core at
    /// 9,000 replies a second.
    Never,
    /// The record may be written twice, for readers that tolerate duplicates.
    Possible,
}

impl Duplicates {
    fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Never => &[],
            Self::Possible => {
                &[("enable.idempotence", "false"), ("max.in.flight.requests.per.connection", "5")]
            }
        }
    }
}

/// Outcome of sending a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// All in-sync replicas have the record.
    Written,
    /// The record was refused or given up. After a timeout it may nevertheless be written.
    Failed(RDKafkaErrorCode),
}

impl Delivery {
    /// Returns true if the topic or its partition does not exist.
    pub fn is_no_such_topic(self) -> bool {
        use RDKafkaErrorCode::{UnknownTopic, UnknownTopicOrPartition};
        matches!(self, Self::Failed(UnknownTopic | UnknownTopicOrPartition))
    }

    pub(crate) fn of(result: &DeliveryResult<'_>) -> Self {
        match result {
            Ok(_) => Self::Written,
            Err((error, _)) => {
                Self::Failed(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown))
            }
        }
    }
}

/// A record to send now. librdkafka copies the bytes.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Target topic.
    pub topic: &'a str,
    /// Target partition; `None` chooses by key.
    pub partition: Option<i32>,
    /// The key.
    pub key: &'a [u8],
    /// The value.
    pub payload: &'a [u8],
    /// The headers.
    pub headers: &'a [Header<'a>],
}

type OnDelivery = Box<dyn Fn(u128, &DeliveryResult<'_>) + Send + Sync>;

/// A producer with its own polling thread.
pub struct Producer {
    inner: Arc<ThreadedProducer<Context>>,
    availability: Availability,
    watcher: Option<JoinHandle<()>>,
}

struct Context {
    name: String,
    availability: Availability,
    on_delivery: OnDelivery,
}

impl Producer {
    /// Creates the producer. `on_delivery` receives the token and the outcome of every record. It
    /// runs on the polling thread, and must be quick.
    pub fn connect(
        config: &KafkaConfig,
        settings: &ProducerSettings,
        on_delivery: impl Fn(u128, Delivery) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Self::connect_with_reports(config, settings, move |token, result| {
            on_delivery(token, Delivery::of(result));
        })
    }

    /// Creates the producer. `on_delivery` receives the token and the whole delivery report of every
    /// record.
    pub(crate) fn connect_with_reports(
        config: &KafkaConfig,
        settings: &ProducerSettings,
        on_delivery: impl Fn(u128, &DeliveryResult<'_>) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let availability = Availability::new();
        let context = Context {
            name: settings.name.clone(),
            availability: availability.clone(),
            on_delivery: Box::new(on_delivery),
        };
        let timeout = settings.delivery_timeout.as_millis().to_string();
        let queue = (settings.queue_bytes / 1024).max(1).to_string();
        let own = [
            ("linger.ms", "0"),
            ("message.timeout.ms", timeout.as_str()),
            ("queue.buffering.max.kbytes", queue.as_str()),
        ];
        let client =
            config.producer(&settings.name, &[&own, settings.duplicates.settings()].concat());
        let inner = ThreadedProducer::from_config_and_context(&client, context)
            .map_err(Error::client(&settings.name))?;
        let inner = Arc::new(inner);
        let watcher = watch(&settings.name, &inner, &availability)?;
        Ok(Self { inner, availability, watcher: Some(watcher) })
    }

    /// Queues a record. Its delivery is reported with `token`. After an error the record is neither
    /// written nor reported.
    pub fn send(&self, outgoing: &Outgoing<'_>, token: u128) -> Result<(), SendError> {
        let headers = outgoing.headers.iter().map(|header| (header.name, header.value));
        let mut record = BaseRecord::with_opaque_to(outgoing.topic, Box::new(token))
            .key(outgoing.key)
            .payload(outgoing.payload)
            .headers(to_kafka_headers(headers));
        if let Some(partition) = outgoing.partition {
            record = record.partition(partition);
        }
        self.inner.send(record).map_err(|(error, _)| SendError::from_kafka(&error))
    }

    /// Sends an unwritten record again, from its delivery report.
    pub(crate) fn send_again(&self, message: &OwnedMessage, token: u128) -> Result<(), SendError> {
        let mut record = BaseRecord::with_opaque_to(message.topic(), Box::new(token))
            .key(message.key().unwrap_or_default())
            .payload(message.payload().unwrap_or_default());
        if let Some(headers) = message.headers() {
            record = record.headers(headers.clone());
        }
        if message.partition() >= 0 {
            record = record.partition(message.partition());
        }
        self.inner.send(record).map_err(|(error, _)| SendError::from_kafka(&error))
    }

    /// Reachability of the brokers.
    pub fn availability(&self) -> &Availability {
        &self.availability
    }

    /// Fails once the client is in a fatal state. Only a new process recovers.
    pub fn check(&self) -> Result<(), Error> {
        match self.inner.client().fatal_error() {
            Some((code, reason)) => {
                tracing::error!(kafka.client = self.inner.context().name, "{reason}");
                let source = KafkaError::MessageProduction(code);
                Err(Error::Fatal { client: self.inner.context().name.clone(), source })
            }
            None => Ok(()),
        }
    }

    /// Returns the number of partitions of `topic`. Blocks.
    pub fn partition_count(&self, topic: &str) -> Result<u32, Error> {
        let metadata = self
            .inner
            .client()
            .fetch_metadata(Some(topic), CALL_TIMEOUT)
            .map_err(Error::call(format!("the partitions of {topic}")))?;
        match metadata.topics().iter().find(|found| found.name() == topic) {
            Some(found) if !found.partitions().is_empty() => {
                Ok(u32::try_from(found.partitions().len()).unwrap_or(u32::MAX))
            }
            _ => Err(Error::NoSuchTopic(topic.to_owned())),
        }
    }

    /// Waits until every queued record is written or given up. Blocks.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        self.inner.flush(timeout).map_err(Error::call("flush"))
    }

    /// Returns the number of records without a delivery report.
    pub(crate) fn in_flight_count(&self) -> i32 {
        self.inner.in_flight_count()
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.availability.close();
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}

fn watch(
    name: &str,
    producer: &Arc<ThreadedProducer<Context>>,
    availability: &Availability,
) -> Result<JoinHandle<()>, Error> {
    let producer = Arc::clone(producer);
    let availability = availability.clone();
    let thread = format!("{name}-watch");
    std::thread::Builder::new()
        .name(thread.clone())
        .spawn(move || {
            availability.watch(|| producer.client().fetch_metadata(None, PROBE_TIMEOUT).is_ok());
        })
        .map_err(|error| Error::Thread(thread, error))
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(&self.name, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        context::error(&self.name, &error, reason);
        if context::is_disconnection(&error) {
            self.availability.mark_unreachable();
        }
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<u128>;

    fn delivery(&self, result: &DeliveryResult<'_>, token: Box<u128>) {
        if Delivery::of(result) == Delivery::Failed(RDKafkaErrorCode::MessageTimedOut) {
            self.availability.mark_unreachable();
        }
        (self.on_delivery)(*token, result);
    }
}
