//! Decodes records to entries. A record that can never be read is skipped with a warning. A record
//! with an unknown schema waits for the registry, without a time limit.

mod schemas;
mod skip;
mod topic;

use std::sync::Arc;
use std::time::SystemTime;

use abacus_kafka::{OwnedRecord, TopicPartition};
use abacus_registry::RegistryConfig;
use abacus_runtime::ReadinessGate;
use abacus_schemas::{ComputeCompleted, ComputeRequested, Event, Topics};
use tokio::runtime::Handle;

use self::schemas::Schemas;
use self::skip::Skip;
use self::topic::Topic;
use crate::append_time::append_time;
use crate::backoff::Backoff;
use crate::entry::{Content, Entry};
use crate::error::Stop;
use crate::row::Origin;
use crate::rules::Rules;

/// Decoders of both topics.
pub(crate) struct Decoding {
    requested: Topic<ComputeRequested>,
    completed: Topic<ComputeCompleted>,
    schemas: Schemas,
    rules: Rules,
}

impl Decoding {
    pub(crate) fn new(
        topics: &Topics,
        config: &RegistryConfig,
        tokio: Handle,
        gate: ReadinessGate,
        rules: Rules,
    ) -> Result<Self, Stop> {
        Ok(Self {
            rules,
            requested: Topic::new(&topics.requested, config.limits)?,
            completed: Topic::new(&topics.completed, config.limits)?,
            schemas: Schemas::new(config, tokio, gate)?,
        })
    }

    /// Returns one entry for each record, in order.
    pub(crate) fn entries(
        &mut self,
        records: Vec<OwnedRecord>,
        backoff: &mut Backoff,
    ) -> Result<Vec<Entry>, Stop> {
        self.requested.begin_batch();
        self.completed.begin_batch();
        records.into_iter().map(|record| self.entry(&record, backoff)).collect()
    }

    fn entry(&mut self, record: &OwnedRecord, backoff: &mut Backoff) -> Result<Entry, Stop> {
        let (schemas, rules) = (&self.schemas, &self.rules);
        if *record.topic == **self.requested.name() {
            read(&mut self.requested, record, schemas, backoff, |event, origin| {
                rules.requested(event, origin, record.header.as_deref())
            })
        } else {
            read(&mut self.completed, record, schemas, backoff, |event, origin| {
                rules.completed(event, origin, record.header.as_deref())
            })
        }
    }
}

fn read<E: Event>(
    topic: &mut Topic<E>,
    record: &OwnedRecord,
    schemas: &Schemas,
    backoff: &mut Backoff,
    row: impl FnOnce(E, Origin) -> Result<Content, uuid::Error>,
) -> Result<Entry, Stop> {
    let appended_at = append_time(record.time, SystemTime::now());
    let origin = Origin { partition: record.partition, offset: record.offset, appended_at };
    let name = Arc::clone(topic.name());
    let event =
        topic.event(&record.payload, |decoder, id| schemas.teach(&name, decoder, id, backoff))?;
    let content = event
        .and_then(|event| row(event, origin).map_err(Skip::from))
        .unwrap_or_else(|skip| skip.report(record, topic.skip_log()));
    let partition = TopicPartition { topic: name, partition: record.partition };
    Ok(Entry { partition, offset: record.offset, content })
}
