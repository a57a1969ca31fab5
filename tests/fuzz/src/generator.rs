//! The generator: record `number` of a seed. The choices about a record depend on seed and number alone.

mod batches;
mod bytes;
mod elsewhere;
mod requests;
mod sizes;

use abacus_schemas::{ComputeRequested, Topics};
use abacus_testkit::{Random, WildRecord};

use crate::avro::DataLimits;
use crate::headers::ReplyTopics;
use crate::kind::Kind;
use crate::shot::{Content, Expected, Form, Shot, Target};
use crate::writer_schema::WriterSchema;

/// Number of partitions of the topics of events.
pub(crate) const PARTITIONS: u64 = 4;
/// Codecs of Kafka.
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
/// Data of ordinary records: below the limits of decoding.
const FEW: DataLimits = DataLimits { items: 4, list: 5 };

/// Schemas under which records are written, by the ids of the registry.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    /// Schema of the requests of this version.
    pub(crate) requested: u32,
    /// Schema of the completions of this version.
    pub(crate) completed: u32,
    /// Schemas of producers.
    pub(crate) writers: Vec<(u32, WriterSchema)>,
    /// Id of [`WriterSchema::bomb`].
    pub(crate) bomb: u32,
}

/// Makes records.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    pub(crate) seed: u64,
    pub(crate) topics: Topics,
    pub(crate) reply_topics: ReplyTopics,
    /// Number of partitions of the reply topic.
    pub(crate) reply_partitions: u64,
    pub(crate) catalog: Catalog,
}

/// A record before it has a place.
struct Draft {
    target: Target,
    payload: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
    timestamp: Option<i64>,
    codec: &'static str,
    /// A random partition, if none.
    partition: Option<i32>,
    expected: Expected,
}

impl Draft {
    /// A record of requests without key and headers.
    fn new(payload: Vec<u8>, expected: Expected) -> Self {
        Self {
            target: Target::Requested,
            payload: Some(payload),
            key: None,
            headers: Vec::new(),
            timestamp: None,
            codec: "none",
            partition: None,
            expected,
        }
    }
}

impl Generator {
    /// The record `number`.
    pub(crate) fn shot(&self, number: u64) -> Shot {
        let mut random = Random::about(self.seed, number);
        let kind = Kind::choose(number, &mut random);
        let random = &mut random;
        match kind {
            Kind::Honest => return self.honest(number, random),
            Kind::RawBatch => return self.raw_batch(number, random),
            Kind::UnreadableBatch => return self.unreadable_batch(number, random),
            _ => {}
        }
        let draft = match kind {
            Kind::RandomBytes => Draft::random_payload(random),
            Kind::Damaged => self.damaged(random),
            Kind::UnknownSchema => self.unknown_schema(random),
            Kind::SchemaIdInHeader => self.schema_id_in_header(random),
            Kind::WriterSchema => self.writer_schema(random),
            Kind::AvroBomb => self.bomb(random),
            Kind::HostileHeaders => self.hostile_headers(random),
            Kind::Repeated => self.repeated(number, random),
            Kind::KeyAndTimestamp => self.key_and_timestamp(random),
            Kind::Large => self.large(random),
            Kind::Compressible => self.compressible(random),
            Kind::HeavyTopic => self.heavy(random),
            Kind::CompletedTopic => self.completed(random),
            Kind::ReplyTopic => self.reply(random),
            Kind::DeadLetterTopic => self.dead_letter(random),
            _ => self.hostile_values(random),
        };
        self.place(number, kind, draft, random)
    }

    fn place(&self, number: u64, kind: Kind, draft: Draft, random: &mut Random) -> Shot {
        let partitions =
            if draft.target == Target::Replies { self.reply_partitions } else { PARTITIONS };
        let any = i32::try_from(random.below(partitions)).unwrap();
        let partition = draft.partition.unwrap_or(any);
        let record = WildRecord {
            topic: draft.target.topic(&self.topics).to_owned(),
            partition,
            timestamp: draft.timestamp,
            key: draft.key,
            payload: draft.payload,
            headers: draft.headers,
        };
        Shot {
            number,
            kind,
            target: draft.target,
            partition,
            form: Form::Record(draft.codec, record),
            expected: vec![draft.expected],
            question: None,
        }
    }

    /// A readable request in the schema of this version.
    fn own(&self, request: &ComputeRequested, random: &mut Random) -> Draft {
        let body = WriterSchema::own().encode(request, random, FEW);
        let expected = Content::of(request).map_or(Expected::DeadLetter, Expected::Completed);
        Draft::new(framed(self.catalog.requested, &body), expected)
    }
}

/// A body behind the id of its schema.
fn framed(schema: u32, body: &[u8]) -> Vec<u8> {
    [&[0], &schema.to_be_bytes()[..], body].concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn generator(seed: u64) -> Generator {
        let writers = (0..20).map(|n| (100 + n, WriterSchema::random(seed, n.into()))).collect();
        let catalog = Catalog { requested: 1, completed: 2, writers, bomb: 3 };
        let topics = Topics::with_prefix("");
        let reply_topics =
            ReplyTopics { existing: "replies".to_owned(), of_ingress: topics.replies.clone() };
        Generator { seed, topics, reply_topics, reply_partitions: 8, catalog }
    }

    #[test]
    fn a_seed_makes_the_same_records_and_every_kind() {
        let all = |seed| -> Vec<String> {
            let generator = generator(seed);
            let shots = (0..300).map(|number| generator.shot(number));
            // The bytes of large records take long to print.
            shots
                .filter(|shot| !matches!(shot.kind, Kind::Large | Kind::Compressible))
                .map(|shot| format!("{shot:?}"))
                .collect()
        };
        // Without the records in the message of a failure.
        assert!(all(1) == all(1) && all(1) != all(2));
        let generator = generator(1);
        let kinds: BTreeSet<Kind> = (0..30).map(|number| generator.shot(number).kind).collect();
        assert!(kinds.into_iter().eq(Kind::all().collect::<BTreeSet<_>>()));
    }

    #[test]
    fn every_record_has_an_expectation_and_a_partition_of_its_topic() {
        let generator = generator(7);
        for number in 0..2000 {
            let shot = generator.shot(number);
            assert!(!shot.expected.is_empty() && (0..8).contains(&shot.partition), "{number}");
            let is_ignored = shot.expected.contains(&Expected::Ignored);
            assert_ne!(is_ignored, shot.target.is_judged(), "{number}: {:?}", shot.kind);
        }
    }
}
