//! Writes the outputs of a stream, and waits for their delivery reports.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::context;
use crate::error::{Error, is_refusal};
use crate::lost_connections::LostConnections;
use crate::record::{OutboundRecord, to_kafka_headers};

/// Producer settings of a stream, beside those of every producer.
pub(super) const SETTINGS: [(&str, &str); 2] = [
    // Shorter than the limit for a whole batch.
    ("message.timeout.ms", "7000"),
    // All records are queued at once: a short linger puts many records into each batch.
    ("linger.ms", "5"),
];

const QUEUE_POLL: Duration = Duration::from_millis(10);
/// Longest wait for the partitions of a topic.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause after a metadata request, before the record is queued again.
const METADATA_PAUSE: Duration = Duration::from_millis(50);
const DELIVERY_POLL: Duration = Duration::from_micros(500);

/// A producer that queues many records and then waits for all delivery reports.
pub(super) struct Writer {
    pub(super) inner: BaseProducer<Context>,
}

/// The reason for an incomplete write.
#[derive(Debug)]
pub(super) enum WriteError {
    /// Kafka will never accept one of the records.
    Refused { partition: String, source: KafkaError },
    /// A later attempt may succeed.
    Failed(KafkaError),
}

impl Writer {
    pub(super) fn create(config: &ClientConfig, name: &str) -> Result<Self, Error> {
        let context = Context {
            name: name.to_owned(),
            failure: Mutex::default(),
            lost_connections: LostConnections::default(),
        };
        let inner = config.create_with_context(context).map_err(Error::client(name))?;
        Ok(Self { inner })
    }

    /// Writes `outputs`. Returns once the broker has acknowledged every record, or one has failed.
    pub(super) fn write<'a>(
        &self,
        outputs: impl Iterator<Item = &'a OutboundRecord>,
        deadline: Instant,
    ) -> Result<(), WriteError> {
        self.inner.context().clear_failure();
        for output in outputs {
            self.enqueue(output, deadline)?;
        }
        self.deliver(deadline)
    }

    /// True if every queued record has its delivery report.
    pub(super) fn is_idle(&self) -> bool {
        self.inner.in_flight_count() == 0
    }

    /// Calls `run`. Returns the result, and true if the client lost a connection meanwhile and the
    /// client's configuration enables counting.
    pub(super) fn observe_connections<T>(&self, run: impl FnOnce() -> T) -> (T, bool) {
        self.inner.context().lost_connections.during(run, || self.read_event())
    }

    /// Reads a queued event. Returns false if no event is queued and no record is in flight.
    fn read_event(&self) -> bool {
        let is_idle = self.is_idle();
        if !is_idle {
            self.serve();
        }
        !is_idle
    }

    /// Serves librdkafka's callbacks while nothing is written.
    pub(super) fn serve(&self) {
        self.inner.poll(Duration::ZERO);
    }

    fn enqueue(&self, output: &OutboundRecord, deadline: Instant) -> Result<(), WriteError> {
        let mut record =
            BaseRecord::to(&output.topic).key(output.key.as_slice()).payload(&output.payload[..]);
        if !output.headers.is_empty() {
            record = record.headers(to_kafka_headers(
                output.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())),
            ));
        }
        if let Some(partition) = output.partition {
            record = record.partition(partition);
        }
        loop {
            let Err((source, unsent)) = self.inner.send(record) else { return Ok(()) };
            if Instant::now() >= deadline || !self.can_retry(&source, &output.topic) {
                return Err(WriteError::new(source, || {
                    format!("{}/{:?}", output.topic, output.partition)
                }));
            }
            record = unsent;
        }
    }

    /// Returns true if queueing a record again may succeed. Waits for space in a full queue. For an
    /// unknown partition fetches the topic's metadata: the topic may have gained partitions.
    fn can_retry(&self, error: &KafkaError, topic: &str) -> bool {
        match error.rdkafka_error_code() {
            Some(Code::QueueFull) => self.inner.poll(QUEUE_POLL),
            Some(Code::UnknownPartition) => {
                tracing::info!(kafka.topic = topic, "asking about a partition that is not known");
                if let Err(error) =
                    self.inner.client().fetch_metadata(Some(topic), METADATA_TIMEOUT)
                {
                    tracing::warn!(error = %error, kafka.topic = topic, "cannot fetch metadata");
                }
                std::thread::park_timeout(METADATA_PAUSE);
            }
            _ => return false,
        }
        true
    }

    /// Waits until the broker has acknowledged every record. `flush` and `commit_transaction` wait
    /// too, but in steps of 100 ms while a delivery report is outstanding.
    fn deliver(&self, deadline: Instant) -> Result<(), WriteError> {
        // With a timeout below a millisecond rdkafka's `poll` spins, so the wait is done here.
        while !self.is_idle() && Instant::now() < deadline {
            self.inner.poll(Duration::ZERO);
            std::thread::park_timeout(DELIVERY_POLL);
        }
        match self.inner.context().take_failure() {
            Some(error) => Err(error),
            None if !self.is_idle() => {
                Err(WriteError::Failed(KafkaError::MessageProduction(Code::MessageTimedOut)))
            }
            None => Ok(()),
        }
    }
}

impl WriteError {
    fn new(source: KafkaError, partition: impl FnOnce() -> String) -> Self {
        if source.rdkafka_error_code().is_some_and(is_refusal) {
            Self::Refused { partition: partition(), source }
        } else {
            Self::Failed(source)
        }
    }
}

pub(super) struct Context {
    name: String,
    /// The error of the first unwritten record.
    failure: Mutex<Option<WriteError>>,
    lost_connections: LostConnections,
}

impl Context {
    fn clear_failure(&self) {
        *self.failure.lock() = None;
    }

    fn take_failure(&self) -> Option<WriteError> {
        self.failure.lock().take()
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
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, record)) = result {
            let partition = || format!("{}/{}", record.topic(), record.partition());
            self.failure.lock().get_or_insert_with(|| match error.rdkafka_error_code() {
                // A partition unknown at queueing is known when the record is queued again.
                Some(Code::UnknownPartition) => WriteError::Failed(error.clone()),
                _ => WriteError::new(error.clone(), partition),
            });
        }
    }
}
