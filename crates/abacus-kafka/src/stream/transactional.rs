//! Exactly once: outputs and offsets in one transaction, whole or not at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::producer::Producer as _;

use super::bounded::{self, TIMED_OUT_CALL};
use super::publisher::{CommitBatch, Failure, PUBLISHING_TIME, Step, is_group_change};
use super::writer::{SETTINGS, Writer};
use crate::config::KafkaConfig;
use crate::error::Error;
use crate::failpoint;

const TRANSACTION_TIMEOUT_MS: &str = "10000";
/// How long aborting, and fencing earlier producers, may take.
const SETTLE_TIME: Duration = Duration::from_secs(10);
/// How long to wait before a call that may be tried again is.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// Two fencings within this time are the work of another living instance: a broker gives up a
/// transaction only after a longer one.
const FENCED_TWICE: Duration = Duration::from_secs(9);

/// Writes records and offsets, one transaction after the other.
pub(super) struct TransactionalProducer {
    config: ClientConfig,
    name: String,
    writer: Arc<Writer>,
    fenced_at: Option<Instant>,
}

impl TransactionalProducer {
    pub(super) fn connect(config: &KafkaConfig, name: String) -> Result<Self, Error> {
        let own = [
            ("transactional.id", name.as_str()),
            ("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS),
            // A client whose call was given up ends when that returns, for which it takes any
            // connection that comes or goes.
            ("connections.max.idle.ms", "30000"),
        ];
        let config = config.producer(&name, &[&own[..], &SETTINGS].concat());
        let writer = create_fencing(&config, &name)?;
        Ok(Self { config, name, writer, fenced_at: None })
    }

    pub(super) fn publish(
        &self,
        batch: &CommitBatch,
        group: &Arc<ConsumerGroupMetadata>,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + PUBLISHING_TIME;
        let producer = &self.writer.inner;
        producer.begin_transaction().map_err(|error| self.failed(Step::Begin, error))?;
        failpoint::reach("stream::before_produce");
        self.writer.write(batch.outputs(), deadline).map_err(|error| match Failure::of_writing(
            error,
        ) {
            Failure::NotCommitted { step, source } => self.failed(step, source),
            failure => failure,
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
    ) -> Result<(), Failure> {
        let offsets = batch.offsets().map_err(|error| self.failed(Step::AddOffsets, error))?;
        self.call(Step::AddOffsets, deadline, |left| {
            let (writer, group) = (Arc::clone(&self.writer), Arc::clone(group));
            let offsets = offsets.clone();
            bounded::call(left, move || {
                writer.inner.send_offsets_to_transaction(&offsets, &group, left)
            })
        })
    }

    /// Calls until it works, or fails in a way that trying again does not mend, or it is too late.
    fn call(
        &self,
        step: Step,
        deadline: Instant,
        call: impl Fn(Duration) -> KafkaResult<()>,
    ) -> Result<(), Failure> {
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

    /// By aborting the transaction, where it is known to be open, else by a new producer, which
    /// fences the old one.
    pub(super) fn settle(&mut self, failure: &Failure) -> Result<(), Error> {
        if matches!(failure, Failure::NotCommitted { .. } | Failure::GroupChanged { .. })
            && self.has_aborted()
        {
            return Ok(());
        }
        self.writer = create_fencing(&self.config, &self.name)?;
        Ok(())
    }

    pub(super) fn serve(&self) {
        self.writer.serve();
    }

    /// Being fenced once is overcome by fencing in turn. Where it was another living instance, that
    /// does the same, and whoever is fenced twice in a short time ends.
    pub(super) fn note_fencing(&mut self, source: &KafkaError) -> Result<(), Error> {
        let before = self.fenced_at.replace(Instant::now());
        match before {
            Some(before) if before.elapsed() < FENCED_TWICE => {
                Err(Error::Fatal { client: self.name.clone(), source: source.clone() })
            }
            _ => Ok(()),
        }
    }

    fn has_aborted(&self) -> bool {
        // With reports outstanding, aborting waits for them in vain: nobody polls meanwhile.
        if !self.writer.is_idle() {
            return false;
        }
        let aborted = self.writer.inner.abort_transaction(SETTLE_TIME);
        if let Err(error) = &aborted {
            tracing::warn!(error = %error, "aborting failed; fencing");
        }
        aborted.is_ok()
    }

    fn failed(&self, step: Step, source: KafkaError) -> Failure {
        if self.is_fenced(&source) {
            return Failure::Fenced(source);
        }
        let requires_abort =
            matches!(&source, KafkaError::Transaction(error) if error.txn_requires_abort());
        if source == TIMED_OUT_CALL {
            Failure::UnknownOutcome { step, source }
        } else if requires_abort && is_group_change(&source) {
            Failure::GroupChanged { step, source }
        } else if requires_abort || matches!(step, Step::Deliver | Step::AddOffsets) {
            Failure::NotCommitted { step, source }
        } else {
            Failure::UnknownOutcome { step, source }
        }
    }

    /// Fencing shows as the error of a call, or, while records are on their way, only as the state
    /// the client is in.
    fn is_fenced(&self, error: &KafkaError) -> bool {
        let state = self.writer.inner.client().fatal_error().map(|(code, _)| code);
        let mut codes = error.rdkafka_error_code().into_iter().chain(state);
        codes.any(|code| matches!(code, Code::Fenced | Code::ProducerFenced))
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// A new producer, after which no earlier one of the same name can write, and whatever that left
/// open is settled.
fn create_fencing(config: &ClientConfig, name: &str) -> Result<Arc<Writer>, Error> {
    let writer = Writer::create(config, name)?;
    writer.inner.init_transactions(SETTLE_TIME).map_err(|source| match &source {
        KafkaError::Transaction(error) if error.is_fatal() => {
            Error::Fatal { client: name.to_owned(), source }
        }
        _ => Error::Call { what: format!("fencing earlier producers called {name}"), source },
    })?;
    Ok(Arc::new(writer))
}
