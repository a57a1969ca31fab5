//! One batch after the other, written and committed by the guarantee that the stream gives.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::{Offset, TopicPartitionList};

use super::assignment::Finished;
use super::plain::PlainProducer;
use super::settings::{Guarantee, StreamSettings};
use super::source::Context;
use super::transactional::TransactionalProducer;
use super::writer::WriteError;
use crate::config::KafkaConfig;
use crate::error::Error;
use crate::record::OutboundRecord;

/// How long writing and committing a batch may take. Below `transaction.timeout.ms`, so that it is
/// us who give up, and not the broker, which would take us for dead.
pub(super) const PUBLISHING_TIME: Duration = Duration::from_secs(8);

/// Writes batches and commits their offsets.
pub(super) enum Publisher {
    /// Both at once.
    Transactional(TransactionalProducer),
    /// One after the other.
    Plain(PlainProducer),
}

/// What is published together: finished records of some assignments.
pub(super) struct CommitBatch {
    pub(super) assignments: Vec<Finished>,
    /// How often it was tried in vain.
    pub(super) tries: u32,
    /// Its outputs are written outside a transaction, and only the offsets are left to do.
    pub(super) is_written: bool,
    /// When it was taken, there was more than it had room for.
    pub(super) has_more: bool,
}

/// Who we are to the group at this moment. Made only while our partitions are ours.
pub(super) struct Membership<'a> {
    pub(super) consumer: &'a Arc<BaseConsumer<Context>>,
    pub(super) metadata: Arc<ConsumerGroupMetadata>,
}

/// Why a batch was not published.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Another instance has our name, or the broker was away for so long that it gave the
    /// transaction up.
    #[error("the transaction was fenced")]
    Fenced(#[source] KafkaError),
    /// Kafka will never take one of the records.
    #[error("a record for {partition} is refused")]
    Refused { partition: String, source: KafkaError },
    /// The group has changed since we last heard of it. No offset is committed; what is still ours
    /// can be tried again.
    #[error("the group has changed: {step} failed")]
    GroupChanged { step: Step, source: KafkaError },
    /// No offset is committed.
    #[error("{step} failed")]
    NotCommitted { step: Step, source: KafkaError },
    /// It is not known whether the offsets are committed.
    #[error("{step} failed, and how it ended is not known")]
    UnknownOutcome { step: Step, source: KafkaError },
}

/// The steps of publishing.
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
            Self::Deliver => "writing finished records",
            Self::AddOffsets => "adding the consumed offsets to a transaction",
            Self::Commit => "committing",
        })
    }
}

impl Publisher {
    pub(super) fn connect(config: &KafkaConfig, settings: &StreamSettings) -> Result<Self, Error> {
        let name = format!("{}-{}", settings.group, settings.instance);
        Ok(match settings.guarantee {
            Guarantee::ExactlyOnce => {
                Self::Transactional(TransactionalProducer::connect(config, name)?)
            }
            Guarantee::AtLeastOnce => Self::Plain(PlainProducer::connect(config, name)?),
        })
    }

    pub(super) fn publish(
        &mut self,
        batch: &mut CommitBatch,
        group: &Membership<'_>,
    ) -> Result<(), Failure> {
        match self {
            Self::Transactional(producer) => producer.publish(batch, &group.metadata),
            Self::Plain(producer) => producer.publish(batch, group.consumer),
        }
    }

    /// Takes note of a failure, before it is settled. An error ends the stream.
    pub(super) fn note(&mut self, failure: &Failure) -> Result<(), Error> {
        match (self, failure) {
            (_, Failure::Refused { partition, source }) => {
                Err(Error::Refused { partition: partition.clone(), source: source.clone() })
            }
            (Self::Transactional(producer), Failure::Fenced(source)) => {
                producer.note_fencing(source)
            }
            _ => Ok(()),
        }
    }

    /// Makes sure that a failed batch has no effect any more, or has had it whole, before anything
    /// else is written. An error that is not [`Error::Fatal`] may pass.
    pub(super) fn settle(&mut self, failure: &Failure) -> Result<(), Error> {
        match self {
            Self::Transactional(producer) => producer.settle(failure),
            Self::Plain(producer) => producer.settle(),
        }
    }

    /// Lets librdkafka report what it has to say while nothing is written.
    pub(super) fn serve(&self) {
        match self {
            Self::Transactional(producer) => producer.serve(),
            Self::Plain(producer) => producer.serve(),
        }
    }
}

impl CommitBatch {
    pub(super) fn new(assignments: Vec<Finished>) -> Self {
        let has_more = assignments.iter().any(|assignment| assignment.has_more);
        Self { assignments, tries: 0, is_written: false, has_more }
    }

    /// It was tried in vain. More may be finished by the time it is tried again.
    pub(super) fn mark_tried(&mut self) {
        self.tries += 1;
        self.has_more = true;
    }

    /// Without what is of partitions that changed hands; `None` if nothing is left.
    pub(super) fn into_current(mut self) -> Option<Self> {
        self.assignments.retain(Finished::is_current);
        (!self.assignments.is_empty()).then_some(self)
    }

    pub(super) fn records(&self) -> usize {
        self.assignments.iter().map(|assignment| assignment.taken().records).sum()
    }

    pub(super) fn outputs(&self) -> impl Iterator<Item = &OutboundRecord> {
        self.assignments.iter().flat_map(|assignment| &assignment.outputs)
    }

    /// Where each partition goes on.
    pub(super) fn offsets(&self) -> KafkaResult<TopicPartitionList> {
        let mut offsets = TopicPartitionList::with_capacity(self.assignments.len());
        for assignment in &self.assignments {
            let next = Offset::Offset(assignment.next_offset);
            offsets.add_partition_offset(
                &assignment.partition.topic,
                assignment.partition.partition,
                next,
            )?;
        }
        Ok(offsets)
    }
}

impl<'a> Membership<'a> {
    /// `None` while we are of no group, or no longer. Then nothing may be committed: without a
    /// member id the broker takes transactional offsets unseen.
    pub(super) fn of(consumer: &'a Arc<BaseConsumer<Context>>) -> Option<Self> {
        // In this order: librdkafka forgets the member id and marks the loss in one step.
        let metadata = Arc::new(consumer.group_metadata()?);
        (!consumer.assignment_lost()).then_some(Self { consumer, metadata })
    }
}

impl Failure {
    pub(super) fn of_writing(error: WriteError) -> Self {
        match error {
            WriteError::Refused { partition, source } => Self::Refused { partition, source },
            WriteError::Failed(source) => Self::NotCommitted { step: Step::Deliver, source },
        }
    }
}

/// Whether an error says that the group has moved on without us knowing yet.
pub(super) fn is_group_change(error: &KafkaError) -> bool {
    error.rdkafka_error_code().is_some_and(|code| {
        matches!(
            code,
            Code::IllegalGeneration
                | Code::UnknownMemberId
                | Code::RebalanceInProgress
                | Code::StaleMemberEpoch
                | Code::FencedMemberEpoch
        )
    })
}
