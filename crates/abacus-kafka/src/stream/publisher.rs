//! Publishes commit batches with the guarantee of the stream.

use super::commit_batch::CommitBatch;
use super::membership::Membership;
use super::metrics::Metrics;
use super::plain::PlainProducer;
use super::publish_error::PublishError;
use super::settings::{Guarantee, StreamSettings};
use super::transactional::TransactionalProducer;
use crate::config::KafkaConfig;
use crate::error::Error;

/// Writes the outputs of commit batches and commits their offsets.
pub(super) enum Publisher {
    /// Outputs and offsets in one transaction.
    Transactional(TransactionalProducer),
    /// Outputs first, then offsets.
    Plain(PlainProducer),
}

impl Publisher {
    pub(super) fn connect(
        config: &KafkaConfig,
        settings: &StreamSettings,
        metrics: &Metrics,
    ) -> Result<Self, Error> {
        let name = format!("{}-{}", settings.group, settings.instance);
        Ok(match settings.guarantee {
            Guarantee::ExactlyOnce => {
                Self::Transactional(TransactionalProducer::connect(config, name, metrics.clone())?)
            }
            Guarantee::AtLeastOnce => Self::Plain(PlainProducer::connect(config, name)?),
        })
    }

    pub(super) fn publish(
        &mut self,
        batch: &mut CommitBatch,
        group: &Membership<'_>,
    ) -> Result<(), PublishError> {
        match self {
            Self::Transactional(producer) => producer.publish(batch, &group.metadata),
            Self::Plain(producer) => producer.publish(batch, group.consumer),
        }
    }

    /// Records a failure, before [`settle`](Self::settle). An error ends the stream.
    pub(super) fn note(&mut self, failure: &PublishError) -> Result<(), Error> {
        match (self, failure) {
            (_, PublishError::Refused { partition, source }) => {
                Err(Error::Refused { partition: partition.clone(), source: source.clone() })
            }
            (Self::Transactional(producer), PublishError::Fenced(source)) => {
                producer.note_fencing(source)
            }
            _ => Ok(()),
        }
    }

    /// Settles a failed batch before anything else is written: afterwards the batch has had its
    /// whole effect or no effect, and cannot change any more. An error other than [`Error::Fatal`]
    /// is temporary.
    pub(super) fn settle(&mut self, failure: &PublishError) -> Result<(), Error> {
        match self {
            Self::Transactional(producer) => producer.settle(failure),
            Self::Plain(producer) => producer.settle(),
        }
    }

    /// Serves librdkafka's callbacks while nothing is written.
    pub(super) fn serve(&self) {
        match self {
            Self::Transactional(producer) => producer.serve(),
            Self::Plain(producer) => producer.serve(),
        }
    }
}
