//! At least once: an idempotent producer writes the outputs, then the consumer commits the offsets.

use std::sync::Arc;
use std::time::Instant;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::Producer as _;

use super::bounded;
use super::commit_batch::{CommitBatch, PUBLISH_TIMEOUT};
use super::consumer::GroupConsumer;
use super::publish_error::{PublishError, Step, is_group_change};
use super::writer::{SETTINGS, Writer};
use crate::config::KafkaConfig;
use crate::error::Error;
use crate::failpoint;

pub(super) struct PlainProducer {
    config: ClientConfig,
    name: String,
    writer: Writer,
}

impl PlainProducer {
    pub(super) fn connect(config: &KafkaConfig, name: String) -> Result<Self, Error> {
        let config = config.producer(&name, &SETTINGS);
        let writer = Writer::create(&config, &name)?;
        Ok(Self { config, name, writer })
    }

    pub(super) fn publish(
        &self,
        batch: &mut CommitBatch,
        consumer: &Arc<GroupConsumer>,
    ) -> Result<(), PublishError> {
        let deadline = Instant::now() + PUBLISH_TIMEOUT;
        if !batch.is_written {
            failpoint::reach("stream::before_produce");
            self.writer.write(batch.outputs(), deadline)?;
            batch.is_written = true;
            failpoint::reach("stream::after_produce");
        }
        let offsets = batch.offsets().map_err(commit_failure)?;
        failpoint::reach("stream::before_commit");
        failpoint::reach_amid("stream::during_commit");
        let consumer = Arc::clone(consumer);
        let left = deadline.saturating_duration_since(Instant::now());
        bounded::call(left, move || consumer.commit(&offsets, CommitMode::Sync))
            .map_err(commit_failure)?;
        failpoint::reach("stream::after_commit");
        Ok(())
    }

    /// Replaces the producer if records are still queued, or after a fatal error. Queued records
    /// would be written after the records that are read again, and a producer with a fatal error
    /// writes nothing more.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if !self.writer.is_idle() || self.writer.inner.client().fatal_error().is_some() {
            self.writer = Writer::create(&self.config, &self.name)?;
        }
        Ok(())
    }

    pub(super) fn serve(&self) {
        self.writer.serve();
    }
}

fn commit_failure(source: KafkaError) -> PublishError {
    let step = Step::Commit;
    if is_group_change(&source) {
        PublishError::GroupChanged { step, source }
    } else {
        PublishError::UnknownOutcome { step, source }
    }
}
