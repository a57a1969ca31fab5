//! Records to entries. A record that can never be read is skipped with a warning; one whose schema
//! is not known yet waits for the registry as long as it takes.

mod schemas;
mod topic;

use std::sync::Arc;

use abacus_kafka::{OwnedRecord, TopicPartition};
use abacus_registry::RegistryConfig;
use abacus_runtime::ReadinessGate;
use abacus_schemas::{ComputeCompleted, ComputeRequested, Event, Topics};
use tokio::runtime::Handle;
use tracing::warn;

use self::schemas::Schemas;
use self::topic::Topic;
use crate::entry::{Content, Entry, SkipReason};
use crate::error::Stop;
use crate::patience::Patience;
use crate::row::{CompletedRow, Origin, RequestedRow};

/// Decodes both topics.
pub(crate) struct Decoding {
    requested: Topic<ComputeRequested>,
    completed: Topic<ComputeCompleted>,
    schemas: Schemas,
}

/// Why a record is skipped, for metrics and for a person.
#[derive(Debug, PartialEq, Eq)]
struct Skip(SkipReason, String);

impl Decoding {
    pub(crate) fn new(
        topics: &Topics,
        config: &RegistryConfig,
        tokio: Handle,
        gate: ReadinessGate,
    ) -> Result<Self, Stop> {
        Ok(Self {
            requested: Topic::new(&topics.requested)?,
            completed: Topic::new(&topics.completed)?,
            schemas: Schemas::new(config, tokio, gate)?,
        })
    }

    /// An entry for each record, in their order.
    pub(crate) fn entries(
        &mut self,
        records: Vec<OwnedRecord>,
        patience: &mut Patience,
    ) -> Result<Vec<Entry>, Stop> {
        self.requested.begin_batch();
        self.completed.begin_batch();
        records.into_iter().map(|record| self.entry(&record, patience)).collect()
    }

    fn entry(&mut self, record: &OwnedRecord, patience: &mut Patience) -> Result<Entry, Stop> {
        let schemas = &self.schemas;
        if *record.topic == **self.requested.name() {
            read(&mut self.requested, record, schemas, patience, |event, origin| {
                RequestedRow::new(event, origin).map(Content::Requested)
            })
        } else {
            read(&mut self.completed, record, schemas, patience, |event, origin| {
                CompletedRow::new(event, origin).map(Content::Completed)
            })
        }
    }
}

fn read<E: Event>(
    topic: &mut Topic<E>,
    record: &OwnedRecord,
    schemas: &Schemas,
    patience: &mut Patience,
    row: impl FnOnce(E, Origin) -> Result<Content, uuid::Error>,
) -> Result<Entry, Stop> {
    let origin = Origin { partition: record.partition, offset: record.offset };
    let name = Arc::clone(topic.name());
    let event =
        topic.event(&record.payload, |decoder, id| schemas.teach(&name, decoder, id, patience))?;
    let content = event
        .and_then(|event| row(event, origin).map_err(Skip::from))
        .unwrap_or_else(|skip| skip.report(record));
    let partition = TopicPartition { topic: name, partition: record.partition };
    Ok(Entry { partition, offset: record.offset, content })
}

impl Skip {
    fn report(self, record: &OwnedRecord) -> Content {
        let Self(reason, text) = self;
        warn!(
            kafka.topic = record.topic,
            kafka.partition = record.partition,
            kafka.offset = record.offset,
            reason = reason.as_str(),
            error = text,
            "record skipped"
        );
        Content::Skipped(reason)
    }
}

impl From<uuid::Error> for Skip {
    fn from(error: uuid::Error) -> Self {
        Self(SkipReason::RequestId, format!("the request id is no UUID: {error}"))
    }
}
