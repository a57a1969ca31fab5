//! The transactional producer: one transaction after the other, each whole or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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

/// How long each step of a transaction may take. Below `transaction.timeout.ms`, so that we give
/// up before the broker does.
const STEP_TIMEOUT: Duration = Duration::from_secs(8);
const TRANSACTION_TIMEOUT_MS: &str = "10000";
const MESSAGE_TIMEOUT_MS: &str = "8000";
/// A transaction's records are queued all at once: a moment's lingering puts them into few batches.
const LINGER_MS: &str = "5";
const FENCE_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct TransactionalProducer {
    config: ClientConfig,
    name: String,
    inner: BaseProducer<Context>,
}

/// Why a transaction did not commit.
#[derive(Debug, thiserror::Error)]
#[error("{step} failed")]
pub(super) struct TransactionError {
    step: &'static str,
    #[source]
    source: KafkaError,
}

impl TransactionError {
    /// Whether another producer with our `transactional.id` has taken over.
    pub(super) fn is_fenced(&self) -> bool {
        matches!(
            self.source.rdkafka_error_code(),
            Some(RDKafkaErrorCode::Fenced | RDKafkaErrorCode::ProducerFenced)
        )
    }

    pub(super) fn into_source(self) -> KafkaError {
        self.source
    }

    /// Whether the transaction is known to be still open, so that aborting it settles it. After
    /// any other error its end is unknown, and only fencing settles that.
    fn is_abortable(&self) -> bool {
        matches!(&self.source, KafkaError::Transaction(error) if error.txn_requires_abort())
            || self.step == Step::DELIVER
    }
}

struct Step;

impl Step {
    const BEGIN: &'static str = "beginning the transaction";
    const DELIVER: &'static str = "writing the transaction's records";
    const OFFSETS: &'static str = "adding the consumed offsets";
    const COMMIT: &'static str = "committing the transaction";
    const ABORT: &'static str = "aborting the transaction";
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
        let inner = create(&config, &name)?;
        inner
            .init_transactions(FENCE_TIMEOUT)
            .map_err(Error::call(format!("fencing earlier producers called {name}")))?;
        Ok(Self { config, name, inner })
    }

    /// Writes `outputs` and commits `offsets` for the group, as one.
    pub(super) fn transact<'a>(
        &self,
        outputs: impl Iterator<Item = &'a OutboundRecord>,
        offsets: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
    ) -> Result<(), TransactionError> {
        self.inner.begin_transaction().map_err(failed(Step::BEGIN))?;
        self.inner.context().failed.store(0, Ordering::Relaxed);
        for output in outputs {
            self.enqueue(output).map_err(failed(Step::DELIVER))?;
        }
        self.deliver().map_err(failed(Step::DELIVER))?;
        self.inner
            .send_offsets_to_transaction(offsets, group, STEP_TIMEOUT)
            .map_err(failed(Step::OFFSETS))?;
        self.inner.commit_transaction(STEP_TIMEOUT).map_err(failed(Step::COMMIT))
    }

    /// Makes sure that the failed transaction takes no effect, or has taken it whole, before
    /// anything else is written.
    pub(super) fn settle(&mut self, failure: &TransactionError) -> Result<(), Error> {
        if failure.is_abortable() {
            match self.inner.abort_transaction(STEP_TIMEOUT).map_err(failed(Step::ABORT)) {
                Ok(()) => return Ok(()),
                Err(error) => tracing::warn!(error = %error.source, "{error}"),
            }
        }
        let fresh = create(&self.config, &self.name)?;
        fresh
            .init_transactions(FENCE_TIMEOUT)
            .map_err(Error::call(format!("fencing the producer {} that failed", self.name)))?;
        self.inner = fresh;
        Ok(())
    }

    fn enqueue(&self, output: &OutboundRecord) -> Result<(), KafkaError> {
        let deadline = Instant::now() + STEP_TIMEOUT;
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
            match self.inner.send(record) {
                Ok(()) => return Ok(()),
                Err((error, unsent))
                    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
                        && Instant::now() < deadline =>
                {
                    record = unsent;
                    self.inner.poll(Duration::from_millis(10));
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// Waits until the broker has every record. `flush` and `commit_transaction` would wait as
    /// well, but in slices of 100 ms as long as a delivery report is outstanding.
    fn deliver(&self) -> Result<(), KafkaError> {
        let deadline = Instant::now() + STEP_TIMEOUT;
        while self.inner.in_flight_count() > 0 && Instant::now() < deadline {
            self.inner.poll(Duration::from_millis(1));
        }
        let failed = self.inner.context().failed.load(Ordering::Relaxed);
        if failed > 0 || self.inner.in_flight_count() > 0 {
            return Err(KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut));
        }
        Ok(())
    }
}

fn failed(step: &'static str) -> impl FnOnce(KafkaError) -> TransactionError {
    move |source| TransactionError { step, source }
}

fn create(config: &ClientConfig, name: &str) -> Result<BaseProducer<Context>, Error> {
    let context = Context { name: name.to_owned(), failed: Arc::default() };
    config.create_with_context(context).map_err(Error::client(name))
}

struct Context {
    name: String,
    failed: Arc<AtomicUsize>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(&self.name, level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(kafka.client = self.name, error = %error, "{reason}");
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            tracing::warn!(kafka.client = self.name, error = %error, "a record was not written");
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
