//! What a letter becomes when it is written again, and where it may go.

use std::collections::BTreeMap;

use abacus_kafka::admin::TopicAdmin;
use abacus_kafka::{InboundRecord, KafkaConfig, OutboundRecord, read_record};
use abacus_schemas::headers;
use anyhow::Context as _;

use crate::Settings;
use crate::dead_letters::CLIENT;
use crate::dead_letters::label::{Headers, Origin, Place, for_replay, without_label};

/// The topics that may be written to, and how many partitions they have.
pub(super) struct Targets {
    letter_partitions: u32,
    topics: BTreeMap<String, u32>,
}

impl Targets {
    pub(super) async fn find(settings: &Settings) -> anyhow::Result<Self> {
        let admin = TopicAdmin::new(&settings.kafka)?;
        let mut topics = BTreeMap::new();
        for topic in settings.topics.of_requests() {
            topics.insert(topic.to_owned(), partitions(&admin, topic).await?);
        }
        let letter_partitions = partitions(&admin, &settings.topics.dead_letter).await?;
        Ok(Self { letter_partitions, topics })
    }

    /// The partitions of the dead-letter topic.
    pub(super) fn letter_partitions(&self) -> Vec<i32> {
        (0..i32::try_from(self.letter_partitions).unwrap_or(i32::MAX)).collect()
    }

    /// What is to be written for a letter, or why nothing may be.
    pub(super) fn record(
        &self,
        settings: &Settings,
        letter: &InboundRecord<'_>,
        place: Place,
        origin: &Origin,
    ) -> anyhow::Result<Result<OutboundRecord, String>> {
        let Some(partitions) = self.topics.get(&origin.topic) else {
            let reason = "is none of this system's topics of requests";
            return Ok(Err(format!("it came from {}, which {reason}", origin.topic)));
        };
        let headers = without_label(&letter.headers().unwrap_or_default());
        let again = Again { place, origin, partitions: *partitions };
        if is_without_content(letter, &headers) {
            return again.read_at_origin(&settings.kafka);
        }
        Ok(Ok(again.of(letter, &headers)))
    }
}

async fn partitions(admin: &TopicAdmin, topic: &str) -> anyhow::Result<u32> {
    let state = admin.describe(topic).await?;
    let state = state.with_context(|| format!("topic {topic} does not exist"))?;
    Ok(state.partitions)
}

/// A processor keeps no content of a record that does not fit. A record that was empty looks the
/// same, and is found where it came from all the same.
fn is_without_content(letter: &InboundRecord<'_>, theirs: &Headers<'_>) -> bool {
    let is_bare = theirs.iter().all(|(name, _)| *name == headers::REPLAYED_FROM);
    letter.key().is_empty() && letter.payload().is_empty() && is_bare
}

struct Again<'a> {
    place: Place,
    origin: &'a Origin,
    partitions: u32,
}

impl Again<'_> {
    fn read_at_origin(
        &self,
        kafka: &KafkaConfig,
    ) -> anyhow::Result<Result<OutboundRecord, String>> {
        let Origin { topic, partition, offset } = self.origin;
        let found = read_record(kafka, CLIENT, topic, (*partition, *offset), |original| {
            self.of(original, &original.headers().unwrap_or_default())
        })?;
        let gone = "its content was left out for its size, and the original is no longer at";
        Ok(found.ok_or_else(|| format!("{gone} {}", self.origin)))
    }

    fn of(&self, record: &InboundRecord<'_>, headers: &Headers<'_>) -> OutboundRecord {
        let exists = |partition: &i32| u32::try_from(*partition).is_ok_and(|p| p < self.partitions);
        OutboundRecord {
            topic: self.origin.topic.as_str().into(),
            partition: Some(self.origin.partition).filter(exists),
            key: record.key().to_vec(),
            payload: record.payload().to_vec(),
            headers: for_replay(headers, self.place),
        }
    }
}
