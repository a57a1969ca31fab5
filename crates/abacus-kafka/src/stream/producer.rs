//! The transactional producer: one transaction after the other, each whole or not at all.

use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::StreamSettings;
use crate::config::KafkaConfig;
use crate::context;
use crate::error::Error;
use crate::record::{OutboundRecord, to_kafka_headers};

/// How long a whole transaction may take. Below `transaction.timeout.ms`, so that it is us who give
/// up, and not the broker, which would take us for dead.
const TRANSACTION_TIME: Duration = Duration::from_secs(8);
const TRANSACTION_TIMEOUT_MS: &str = "10000";
const MESSAGE_TIMEOUT_MS: &str = "7000";
/// A transaction's records are queued all at once: a moment's lingering puts them into few batches.
const LINGER_MS: &str = "5";
/// How long aborting, and fencing earlier producers, may take.
const SETTLE_TIME: Duration = Duration::from_secs(10);

/// Two fencings within this time are the work of another living instance: a broker gives up a
/// transaction only after a longer one.
const FENCED_TWICE: Duration = Duration::from_secs(9);

/// Writes records and offsets, one transaction after the other.
pub(super) struct TransactionalProducer {
    config: ClientConfig,
    name: String,
    inner: BaseProducer<Context>,
    fenced_at: Option<Instant>,
}

/// Why a transaction did not commit.
#[derive(Debug, thiserror::Error)]
pub(super) enum TransactionError {
    /// Our epoch is no longer the newest: another instance has our name, or the broker was away for
    /// so long that it gave the transaction up.
    #[error("the transaction was fenced")]
    Fenced(#[source] KafkaError),
    /// Kafka will never take one of the records.
    #[error("a record for {partition} is refused")]
    Refused { partition: String, source: KafkaError },
    /// The transaction is still open: aborting it settles it.
    #[error("{step} failed")]
    Open { step: Step, source: KafkaError },
    /// It is not known how the transaction ended: only fencing settles it.
    #[error("{step} failed, and how the transaction ended is not known")]
    Indefinite { step: Step, source: KafkaError },
}

/// The steps of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Begin,
    Deliver,
    AddOffsets,
    Commit,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Begin => "beginning a transaction",
            Self::Deliver => "writing a transaction's records",
            Self::AddOffsets => "adding the consumed offsets to a transaction",
            Self::Commit => "committing a transaction",
        })
    }
}

impl TransactionalProducer {
    pub(super) fn connect(config: &KafkaConfig, settings: &StreamSettings) -> Result<Self, Error> {
        let name = format!("{}-{}", settings.group, settings.instance);
        let config = config.producer(
            &name,
            &[
                ("transactional.id", name.as_str()),
                ("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS),
                ("message.timeout.ms", MESSAGE_TIMEOUT_MS),
                ("linger.ms", LINGER_MS),
            ],
        );
        let inner = create_fencing(&config, &name)?;
        Ok(Self { config, name, inner, fenced_at: None })
    }

    /// Writes `outputs` and commits `offsets` for the group, as one.
    pub(super) fn transact<'a>(
        &self,
        outputs: impl Iterator<Item = &'a OutboundRecord>,
        offsets: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
    ) -> Result<(), TransactionError> {
        let deadline = Instant::now() + TRANSACTION_TIME;
        self.inner.context().forget_failures();
        self.inner.begin_transaction().map_err(|error| self.failed(Step::Begin, error))?;
        for output in outputs {
            self.enqueue(output, deadline)?;
        }
        self.deliver(deadline).map_err(|error| self.failed(Step::Deliver, error))?;
        self.inner
            .send_offsets_to_transaction(offsets, group, left(deadline))
            .map_err(|error| self.failed(Step::AddOffsets, error))?;
        self.inner
            .commit_transaction(left(deadline))
            .map_err(|error| self.failed(Step::Commit, error))
    }

    /// Makes sure that a failed transaction has no effect, or has had it whole, before anything else
    /// is written. An error that is not [`Error::Fatal`] may pass.
    pub(super) fn settle(&mut self, failure: &TransactionError) -> Result<(), Error> {
        if matches!(failure, TransactionError::Open { .. }) && self.has_aborted() {
            return Ok(());
        }
        self.inner = create_fencing(&self.config, &self.name)?;
        Ok(())
    }

    /// Being fenced once is overcome by fencing in turn. Where it was another living instance, that
    /// does the same, and whoever is fenced twice in a short time ends.
    pub(super) fn note_fencing(&mut self, source: &KafkaError) -> Result<(), Error> {
        let before = self.fenced_at.replace(Instant::now());
        match before {
            Some(before) if before.elapsed() < FENCED_TWICE => Err(self.fatal(source.clone())),
            _ => Ok(()),
        }
    }

    fn has_aborted(&self) -> bool {
        // With reports outstanding, aborting waits for them in vain: nobody polls meanwhile.
        if self.inner.in_flight_count() > 0 {
            return false;
        }
        let aborted = self.inner.abort_transaction(SETTLE_TIME);
        if let Err(error) = &aborted {
            tracing::warn!(error = %error, "aborting failed; fencing");
        }
        aborted.is_ok()
    }

    /// Lets librdkafka report what it has to say while nothing is written.
    pub(super) fn serve(&self) {
        self.inner.poll(Duration::ZERO);
    }

    pub(super) fn fatal(&self, source: KafkaError) -> Error {
        Error::Fatal { client: self.name.clone(), source }
    }

    fn enqueue(&self, output: &OutboundRecord, deadline: Instant) -> Result<(), TransactionError> {
        let headers = to_kafka_headers(
            output.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())),
        );
        let mut record = BaseRecord::to(&output.topic)
            .key(output.key.as_slice())
            .payload(output.payload.as_slice())
            .headers(headers);
        if let Some(partition) = output.partition {
            record = record.partition(partition);
        }
        loop {
            let Err((source, unsent)) = self.inner.send(record) else { return Ok(()) };
            match source.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) if Instant::now() < deadline => {
                    record = unsent;
                    self.inner.poll(QUEUE_POLL);
                }
                Some(
                    RDKafkaErrorCode::MessageSizeTooLarge
                    | RDKafkaErrorCode::UnknownPartition
                    | RDKafkaErrorCode::UnknownTopicOrPartition,
                ) => {
                    let partition = format!("{}/{:?}", output.topic, output.partition);
                    return Err(TransactionError::Refused { partition, source });
                }
                _ => return Err(self.failed(Step::Deliver, source)),
            }
        }
    }

    /// Waits until the broker has every record. `flush` and `commit_transaction` would wait as
    /// well, but in slices of 100 ms as long as a delivery report is outstanding.
    fn deliver(&self, deadline: Instant) -> Result<(), KafkaError> {
        // Below a millisecond rdkafka's `poll` does not sleep but spins, so the waiting is done here.
        while self.inner.in_flight_count() > 0 && Instant::now() < deadline {
            self.inner.poll(Duration::ZERO);
            std::thread::park_timeout(DELIVERY_POLL);
        }
        match self.inner.context().first_failure() {
            Some(error) => Err(error),
            None if self.inner.in_flight_count() > 0 => {
                Err(KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut))
            }
            None => Ok(()),
        }
    }

    fn failed(&self, step: Step, source: KafkaError) -> TransactionError {
        if self.is_fenced(&source) {
            return TransactionError::Fenced(source);
        }
        let requires_abort =
            matches!(&source, KafkaError::Transaction(error) if error.txn_requires_abort());
        if requires_abort || step == Step::Deliver {
            TransactionError::Open { step, source }
        } else {
            TransactionError::Indefinite { step, source }
        }
    }

    /// Fencing shows as the error of a call, or, while records are on their way, only as the state
    /// the client is in.
    fn is_fenced(&self, error: &KafkaError) -> bool {
        let state = self.inner.client().fatal_error().map(|(code, _)| code);
        error
            .rdkafka_error_code()
            .into_iter()
            .chain(state)
            .any(|code| matches!(code, RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced))
    }
}

const QUEUE_POLL: Duration = Duration::from_millis(10);
const DELIVERY_POLL: Duration = Duration::from_micros(500);

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// A new producer, after which no earlier one of the same name can write, and whatever that left
/// open is settled.
fn create_fencing(config: &ClientConfig, name: &str) -> Result<BaseProducer<Context>, Error> {
    let context = Context { name: name.to_owned(), failure: Mutex::default() };
    let producer: BaseProducer<Context> =
        config.create_with_context(context).map_err(Error::client(name))?;
    producer.init_transactions(SETTLE_TIME).map_err(|source| match &source {
        KafkaError::Transaction(error) if error.is_fatal() => {
            Error::Fatal { client: name.to_owned(), source }
        }
        _ => Error::Call { what: format!("fencing earlier producers called {name}"), source },
    })?;
    Ok(producer)
}

struct Context {
    name: String,
    /// Why the first record of the transaction that was not written was not.
    failure: Mutex<Option<KafkaError>>,
}

impl Context {
    fn forget_failures(&self) {
        *self.failure.lock() = None;
    }

    fn first_failure(&self) -> Option<KafkaError> {
        self.failure.lock().clone()
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
        if let Err((error, _)) = result {
            self.failure.lock().get_or_insert_with(|| error.clone());
        }
    }
}
