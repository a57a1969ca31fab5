//! At least once: an idempotent producer writes, then the consumer commits.

use std::sync::Arc;
use std::time::Instant;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::Producer as _;

use super::bounded;
use super::publisher::{CommitBatch, Failure, PUBLISHING_TIME, Step, is_group_change};
use super::source::Context;
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
        consumer: &Arc<BaseConsumer<Context>>,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + PUBLISHING_TIME;
        if !batch.is_written {
            failpoint::reach("stream::before_produce");
            self.writer.write(batch.outputs(), deadline).map_err(Failure::of_writing)?;
            batch.is_written = true;
            failpoint::reach("stream::after_produce");
        }
        let offsets = batch.offsets().map_err(failed)?;
        failpoint::reach("stream::before_commit");
        failpoint::reach_amid("stream::during_commit");
        let consumer = Arc::clone(consumer);
        let left = deadline.saturating_duration_since(Instant::now());
        bounded::call(left, move || consumer.commit(&offsets, CommitMode::Sync)).map_err(failed)?;
        failpoint::reach("stream::after_commit");
        Ok(())
    }

    /// What is still queued would be written after what is read again, and a producer with a fatal
    /// error writes nothing more: both need a new one.
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

fn failed(source: KafkaError) -> Failure {
    let step = Step::Commit;
    if is_group_change(&source) {
        Failure::GroupChanged { step, source }
    } else {
        Failure::UnknownOutcome { step, source }
    }
}
