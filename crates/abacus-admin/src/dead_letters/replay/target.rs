//! Topics and records that a replay writes.

use std::collections::BTreeMap;

use abacus_kafka::admin::TopicAdmin;
use abacus_kafka::{InboundRecord, KafkaConfig, OutboundRecord};
use abacus_schemas::headers;
use anyhow::Context as _;

use crate::dead_letters::headers::{DeadLetterId, Headers, Origin, for_replay, original_headers};
use crate::dead_letters::reader;
use crate::settings::Settings;

/// Request topics of this system, with their numbers of partitions.
pub(super) struct Targets {
    dead_letter_partitions: u32,
    topics: BTreeMap<String, u32>,
}

impl Targets {
    pub(super) async fn find(settings: &Settings) -> anyhow::Result<Self> {
        let admin = TopicAdmin::new(&settings.kafka)?;
        let mut topics = BTreeMap::new();
        for topic in settings.topics.request_topics() {
            topics.insert(topic.to_owned(), partitions(&admin, topic).await?);
        }
        let dead_letter_partitions = partitions(&admin, &settings.topics.dead_letter).await?;
        Ok(Self { dead_letter_partitions, topics })
    }

    /// Returns the partitions of the dead-letter topic.
    pub(super) fn dead_letter_partitions(&self) -> Vec<i32> {
        (0..i32::try_from(self.dead_letter_partitions).unwrap_or(i32::MAX)).collect()
    }

    /// Returns the record to write for a dead letter, or the reason for a refusal.
    pub(super) fn record(
        &self,
        settings: &Settings,
        dead_letter: &InboundRecord<'_>,
        id: DeadLetterId,
        origin: &Origin,
    ) -> anyhow::Result<Result<OutboundRecord, String>> {
        let Some(partitions) = self.topics.get(&origin.topic) else {
            let reason = "is none of this system's topics of requests";
            return Ok(Err(format!("it came from {}, which {reason}", origin.topic)));
        };
        let headers = original_headers(&dead_letter.headers().unwrap_or_default());
        let target = ReplayTarget { id, origin, partitions: *partitions };
        if is_without_content(dead_letter, &headers) {
            return target.read_at_origin(&settings.kafka);
        }
        Ok(Ok(target.outbound(dead_letter, &headers)))
    }
}

async fn partitions(admin: &TopicAdmin, topic: &str) -> anyhow::Result<u32> {
    let state = admin.describe(topic).await?;
    let state = state.with_context(|| format!("topic {topic} does not exist"))?;
    Ok(state.partitions)
}

/// Returns `true` if the dead letter holds only the origin, because the record was too large. An
/// originally empty record looks equal, and is read from the origin too.
fn is_without_content(dead_letter: &InboundRecord<'_>, original: &Headers<'_>) -> bool {
    let is_bare = original.iter().all(|(name, _)| *name == headers::REPLAYED_FROM);
    dead_letter.key().is_empty() && dead_letter.payload().is_empty() && is_bare
}

/// A dead letter with the topic and partition for its replay.
struct ReplayTarget<'a> {
    id: DeadLetterId,
    origin: &'a Origin,
    partitions: u32,
}

impl ReplayTarget<'_> {
    fn read_at_origin(
        &self,
        kafka: &KafkaConfig,
    ) -> anyhow::Result<Result<OutboundRecord, String>> {
        let Origin { topic, partition, offset } = self.origin;
        let found = reader::read_record(kafka, topic, (*partition, *offset), |original| {
            self.outbound(original, &original.headers().unwrap_or_default())
        })?;
        let gone =
            "the record was too large for the dead-letter topic, and the original is no longer at";
        Ok(found.ok_or_else(|| format!("{gone} {}", self.origin)))
    }

    fn outbound(&self, record: &InboundRecord<'_>, headers: &Headers<'_>) -> OutboundRecord {
        let exists = |partition: &i32| u32::try_from(*partition).is_ok_and(|p| p < self.partitions);
        OutboundRecord {
            topic: self.origin.topic.as_str().into(),
            partition: Some(self.origin.partition).filter(exists),
            key: record.key().to_vec(),
            payload: record.payload().to_vec(),
            headers: for_replay(headers, self.id),
        }
    }
}
