//! Writing a stream's outputs, and learning what became of each.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::context;
use crate::error::{Error, is_refusal};
use crate::record::{OutboundRecord, to_kafka_headers};

/// Our producer settings beside those that every producer has.
pub(super) const SETTINGS: [(&str, &str); 2] = [
    // Less than a whole batch may take.
    ("message.timeout.ms", "7000"),
    // Records are queued all at once: a moment's lingering puts them into few batches.
    ("linger.ms", "5"),
];

const QUEUE_POLL: Duration = Duration::from_millis(10);
/// How long the brokers may take to say what partitions a topic has, and how often they are asked.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);
const METADATA_PAUSE: Duration = Duration::from_millis(50);
const DELIVERY_POLL: Duration = Duration::from_micros(500);

/// A producer that writes many records and then waits for all of them.
pub(super) struct Writer {
    pub(super) inner: BaseProducer<Context>,
}

/// Why records were not all written.
#[derive(Debug)]
pub(super) enum WriteError {
    /// Kafka will never take one of the records.
    Refused { partition: String, source: KafkaError },
    /// It may take them another time.
    Failed(KafkaError),
}

impl Writer {
    pub(super) fn create(config: &ClientConfig, name: &str) -> Result<Self, Error> {
        let context = Context { name: name.to_owned(), failure: Mutex::default() };
        let inner = config.create_with_context(context).map_err(Error::client(name))?;
        Ok(Self { inner })
    }

    /// Returns once the broker has every record, or one has failed.
    pub(super) fn write<'a>(
        &self,
        outputs: impl Iterator<Item = &'a OutboundRecord>,
        deadline: Instant,
    ) -> Result<(), WriteError> {
        self.inner.context().forget_failures();
        for output in outputs {
            self.enqueue(output, deadline)?;
        }
        self.deliver(deadline)
    }

    /// Whether nothing that was queued is still without a report.
    pub(super) fn is_idle(&self) -> bool {
        self.inner.in_flight_count() == 0
    }

    /// Lets librdkafka report what it has to say while nothing is written.
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
            if Instant::now() >= deadline || !self.has_made_way(&source, &output.topic) {
                return Err(WriteError::new(source, || {
                    format!("{}/{:?}", output.topic, output.partition)
                }));
            }
            record = unsent;
        }
    }

    /// Whether a record that was not taken may be now: waits for room, or asks about the partitions
    /// of its topic, of which there may be more than when librdkafka last asked.
    fn has_made_way(&self, error: &KafkaError, topic: &str) -> bool {
        match error.rdkafka_error_code() {
            Some(Code::QueueFull) => self.inner.poll(QUEUE_POLL),
            Some(Code::UnknownPartition) => {
                tracing::info!(kafka.topic = topic, "asking about a partition that is not known");
                if let Err(error) =
                    self.inner.client().fetch_metadata(Some(topic), METADATA_TIMEOUT)
                {
                    tracing::warn!(error = %error, kafka.topic = topic, "asking about partitions");
                }
                std::thread::park_timeout(METADATA_PAUSE);
            }
            _ => return false,
        }
        true
    }

    /// Waits until the broker has every record. `flush` and `commit_transaction` would wait as
    /// well, but in slices of 100 ms as long as a delivery report is outstanding.
    fn deliver(&self, deadline: Instant) -> Result<(), WriteError> {
        // Below a millisecond rdkafka's `poll` does not sleep but spins, so the waiting is done here.
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
    /// Why the first record that was not written was not.
    failure: Mutex<Option<WriteError>>,
}

impl Context {
    fn forget_failures(&self) {
        *self.failure.lock() = None;
    }

    fn take_failure(&self) -> Option<WriteError> {
        self.failure.lock().take()
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
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
                // Found out only after it was queued; when it is queued again, it is known.
                Some(Code::UnknownPartition) => WriteError::Failed(error.clone()),
                _ => WriteError::new(error.clone(), partition),
            });
        }
    }
}
