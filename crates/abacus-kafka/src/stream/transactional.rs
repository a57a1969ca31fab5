//! Exactly once: one transaction writes the outputs and commits the offsets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::producer::Producer as _;

use super::bounded::{self, TIMED_OUT_CALL};
use super::commit_batch::{CommitBatch, PUBLISH_TIMEOUT};
use super::metrics::Metrics;
use super::publish_error::{PublishError, Step, is_group_change};
use super::writer::{SETTINGS, Writer};
use crate::config::KafkaConfig;
use crate::error::Error;
use crate::failpoint;
use crate::fencing::Fencings;
use crate::lost_connections::LostConnections;

const TRANSACTION_TIMEOUT_MS: &str = "10000";
/// Longest time for aborting a transaction, and for fencing earlier producers.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause before a retriable call is repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Writes each commit batch in a transaction.
pub(super) struct TransactionalProducer {
    config: ClientConfig,
    name: String,
    writer: Arc<Writer>,
    fencings: Fencings,
    /// The producer has lost a connection during a transaction. The broker may still receive a lost
    /// request, so the producer must be replaced before the next transaction.
    has_lost_connection: bool,
    metrics: Metrics,
}

impl TransactionalProducer {
    pub(super) fn connect(
        config: &KafkaConfig,
        name: String,
        metrics: Metrics,
    ) -> Result<Self, Error> {
        let own = [
            ("transactional.id", name.as_str()),
            ("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS),
            // A client with an abandoned call ends when the call returns. The call returns when
            // any connection opens or closes.
            ("connections.max.idle.ms", "30000"),
        ];
        let mut config = config.producer(&name, &[&own[..], &SETTINGS].concat());
        LostConnections::enable(&mut config);
        let writer = create_fencing(&config, &name)?;
        Ok(Self {
            config,
            name,
            writer,
            fencings: Fencings::default(),
            has_lost_connection: false,
            metrics,
        })
    }

    /// Publishes a batch in a transaction. First replaces a producer that has lost a connection.
    pub(super) fn publish(
        &mut self,
        batch: &CommitBatch,
        group: &Arc<ConsumerGroupMetadata>,
    ) -> Result<(), PublishError> {
        if self.has_lost_connection {
            self.replace().map_err(PublishError::Unsettled)?;
        }
        let run = || self.run_transaction(batch, group);
        let (result, has_lost_connection) = self.writer.observe_connections(run);
        self.has_lost_connection = has_lost_connection;
        result
    }

    fn run_transaction(
        &self,
        batch: &CommitBatch,
        group: &Arc<ConsumerGroupMetadata>,
    ) -> Result<(), PublishError> {
        let deadline = Instant::now() + PUBLISH_TIMEOUT;
        let producer = &self.writer.inner;
        producer.begin_transaction().map_err(|error| self.failed(Step::Begin, error))?;
        failpoint::reach("stream::before_produce");
        self.writer.write(batch.outputs(), deadline).map_err(|error| {
            match PublishError::from(error) {
                PublishError::NotCommitted { step, source } => self.failed(step, source),
                failure => failure,
            }
        })?;
        failpoint::reach("stream::after_produce");
        self.add_offsets(batch, group, deadline)?;
        failpoint::reach("stream::before_commit");
        failpoint::reach_amid("stream::during_commit");
        self.call(Step::Commit, deadline, |left| producer.commit_transaction(left))?;
        failpoint::reach("stream::after_commit");
        Ok(())
    }

    fn add_offsets(
        &self,
        batch: &CommitBatch,
        group: &Arc<ConsumerGroupMetadata>,
        deadline: Instant,
    ) -> Result<(), PublishError> {
        let offsets = batch.offsets().map_err(|error| self.failed(Step::AddOffsets, error))?;
        self.call(Step::AddOffsets, deadline, |left| {
            let (writer, group) = (Arc::clone(&self.writer), Arc::clone(group));
            let offsets = offsets.clone();
            bounded::call(left, move || {
                writer.inner.send_offsets_to_transaction(&offsets, &group, left)
            })
        })
    }

    /// Repeats a call while its error is retriable and the deadline allows another attempt.
    fn call(
        &self,
        step: Step,
        deadline: Instant,
        call: impl Fn(Duration) -> KafkaResult<()>,
    ) -> Result<(), PublishError> {
        loop {
            let Err(error) = call(left(deadline)) else { return Ok(()) };
            let is_retriable =
                matches!(&error, KafkaError::Transaction(error) if error.is_retriable());
            if !is_retriable || Instant::now() + RETRY_PAUSE >= deadline {
                return Err(self.failed(step, error));
            }
            std::thread::park_timeout(RETRY_PAUSE);
        }
    }

    /// Aborts a transaction known to be open, if no connection was lost. Otherwise creates a new
    /// producer, which fences the previous producer.
    pub(super) fn settle(&mut self, failure: &PublishError) -> Result<(), Error> {
        let is_open = matches!(
            failure,
            PublishError::NotCommitted { .. } | PublishError::GroupChanged { .. }
        );
        if is_open && !self.has_lost_connection && self.has_aborted() {
            return Ok(());
        }
        self.replace()
    }

    /// Creates a new producer, which fences the previous producer and its late requests.
    fn replace(&mut self) -> Result<(), Error> {
        self.writer = create_fencing(&self.config, &self.name)?;
        if std::mem::take(&mut self.has_lost_connection) {
            self.metrics.replaced.inc();
            tracing::info!(
                kafka.client = self.name,
                "producer replaced: a connection was lost during a transaction"
            );
        }
        Ok(())
    }

    pub(super) fn serve(&self) {
        self.writer.serve();
    }

    /// Records a fencing of this producer. After the first fencing, [`settle`](Self::settle) creates
    /// a new producer, which fences the rival. With a live rival, the error ends the process.
    pub(super) fn note_fencing(&mut self, source: &KafkaError) -> Result<(), Error> {
        if self.fencings.note() {
            return Err(Error::Rival { client: self.name.clone(), source: source.clone() });
        }
        Ok(())
    }

    fn has_aborted(&mut self) -> bool {
        // The abort would wait for outstanding delivery reports, and no thread polls meanwhile.
        if !self.writer.is_idle() {
            return false;
        }
        let abort = || self.writer.inner.abort_transaction(SETTLE_TIMEOUT);
        let (aborted, has_lost_connection) = self.writer.observe_connections(abort);
        self.has_lost_connection = has_lost_connection;
        if let Err(error) = &aborted {
            tracing::warn!(error = %error, "cannot abort the transaction; fencing the producer");
        }
        aborted.is_ok() && !has_lost_connection
    }

    fn failed(&self, step: Step, source: KafkaError) -> PublishError {
        if self.is_fenced(&source) {
            return PublishError::Fenced(source);
        }
        let requires_abort =
            matches!(&source, KafkaError::Transaction(error) if error.txn_requires_abort());
        if source == TIMED_OUT_CALL {
            PublishError::UnknownOutcome { step, source }
        } else if requires_abort && is_group_change(&source) {
            PublishError::GroupChanged { step, source }
        } else if requires_abort || matches!(step, Step::Deliver | Step::AddOffsets) {
            PublishError::NotCommitted { step, source }
        } else {
            PublishError::UnknownOutcome { step, source }
        }
    }

    /// True if another producer has fenced this one. A call returns the error; while records are in
    /// flight, only the client's fatal state shows it.
    fn is_fenced(&self, error: &KafkaError) -> bool {
        let state = self.writer.inner.client().fatal_error().map(|(code, _)| code);
        let mut codes = error.rdkafka_error_code().into_iter().chain(state);
        codes.any(|code| matches!(code, Code::Fenced | Code::ProducerFenced))
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// Creates a producer. Earlier producers of this name can write no more, and their open transactions
/// are settled.
fn create_fencing(config: &ClientConfig, name: &str) -> Result<Arc<Writer>, Error> {
    let writer = Writer::create(config, name)?;
    writer.inner.init_transactions(SETTLE_TIMEOUT).map_err(|source| match &source {
        KafkaError::Transaction(error) if error.is_fatal() => {
            Error::Fatal { client: name.to_owned(), source }
        }
        _ => Error::Call { what: format!("fencing earlier producers called {name}"), source },
    })?;
    Ok(Arc::new(writer))
}
