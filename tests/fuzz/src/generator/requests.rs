//! Requests in the schema of this version, and in schemas of producers.

use abacus_check::Question;
use abacus_testkit::Random;

use super::{CODECS, Draft, FEW, Generator, PARTITIONS, framed};
use crate::avro::put_long;
use crate::headers;
use crate::kind::Kind;
use crate::requests;
use crate::shot::{Content, Expected, Shot, Target};
use crate::writer_schema::WriterSchema;

/// Number of records among which a request id is repeated.
const REPEATS: u64 = 1000;
/// Number of operands that leaves thousands of values for the other fields of a record.
const FEW_OPERANDS: usize = 2000;

impl Generator {
    /// A question with a known answer, whose caller waits on the reply topic.
    pub(super) fn honest(&self, number: u64, random: &mut Random) -> Shot {
        let question = Question::of(self.seed, number);
        let mut request = requests::usual(random);
        request.operation.clone_from(&question.operation);
        request.operands.clone_from(&question.operands);
        let mut draft = self.own(&request, random);
        draft.key = Some(request.request_id.clone().into_bytes());
        draft.codec = *random.one_of(&CODECS);
        draft.headers = vec![
            (
                "correlation-id".to_owned(),
                Some(headers::correlation_of_caller(number).into_bytes()),
            ),
            ("reply-topic".to_owned(), Some(self.reply_topics.existing.clone().into_bytes())),
        ];
        Shot { question: Some(question), ..self.place(number, Kind::Honest, draft, random) }
    }

    pub(super) fn hostile_values(&self, random: &mut Random) -> Draft {
        let mut request = requests::hostile(random);
        if random.below(10) == 0 {
            // The content of no UUID is no content: the record becomes a dead letter.
            request.request_id = requests::text(random);
        }
        let mut draft = self.own(&request, random);
        draft.codec = *random.one_of(&CODECS);
        draft
    }

    pub(super) fn hostile_headers(&self, random: &mut Random) -> Draft {
        let mut draft = self.own(&requests::usual(random), random);
        draft.headers = headers::hostile(random, &self.reply_topics);
        draft
    }

    /// A request under a schema that the registry has accepted.
    pub(super) fn writer_schema(&self, random: &mut Random) -> Draft {
        if self.catalog.writers.is_empty() {
            return self.own(&requests::usual(random), random);
        }
        let (id, schema) = random.one_of(&self.catalog.writers).clone();
        let request = match random.below(4) {
            0 => requests::hostile(random),
            _ => requests::usual(random),
        };
        let payload = framed(id, &schema.encode(&request, random, FEW));
        if request.operands.len() > FEW_OPERANDS {
            // The values of the other fields may exceed the limit of decoding.
            return Draft::new(payload.clone(), Expected::Either(payload));
        }
        let content = Content::of(&schema.as_read(request));
        Draft::new(payload, content.map_or(Expected::DeadLetter, Expected::Completed))
    }

    /// Data of a few bytes that stands for millions of values, or for thousands of levels.
    pub(super) fn bomb(&self, random: &mut Random) -> Draft {
        let mut body = WriterSchema::own().encode(&requests::usual(random), random, FEW);
        // An array of nulls.
        if random.below(2) == 0 {
            put_long(&mut body, *random.one_of(&[1 << 40, 10_000_000, i64::MIN, i64::MAX, -1]));
        }
        put_long(&mut body, 0);
        // An array of arrays of nulls.
        if random.below(2) == 0 {
            put_long(&mut body, 50);
            (0..50).for_each(|_| [100_000_000, 0].iter().for_each(|n| put_long(&mut body, *n)));
        }
        put_long(&mut body, 0);
        // A list in a list.
        put_long(&mut body, 1);
        for _ in 0..*random.one_of(&[0, 10, 1000, 50_000]) {
            put_long(&mut body, 1);
            put_long(&mut body, 1);
        }
        put_long(&mut body, 0);
        let payload = framed(self.catalog.bomb, &body);
        Draft::new(payload.clone(), Expected::Either(payload))
    }

    /// One of few ids, with one of few contents, always in the same partition.
    pub(super) fn repeated(&self, number: u64, random: &mut Random) -> Draft {
        let which = number / REPEATS * 8 + random.below(8);
        let mut same = Random::about(self.seed ^ 0x4e9e_a7ed, which);
        let mut request = requests::usual(&mut same);
        if random.below(4) == 0 {
            request.operands.insert("n".to_owned(), random.below(3).to_string());
        }
        let mut draft = self.own(&request, random);
        draft.partition = Some(i32::try_from(which % PARTITIONS).unwrap());
        draft
    }

    pub(super) fn key_and_timestamp(&self, random: &mut Random) -> Draft {
        let mut draft = self.own(&requests::usual(random), random);
        draft.key = match random.below(4) {
            0 => None,
            1 => Some(Vec::new()),
            2 => Some(b"the key of many".to_vec()),
            _ => Some(vec![b'k'; usize::try_from(random.below(200_000)).unwrap()]),
        };
        draft.timestamp = Some(*random.one_of(&[
            0,
            -1,
            1,
            i64::MAX,
            i64::MIN,
            253_402_300_800_000,
            4_102_444_800_000,
        ]));
        draft
    }

    /// A record in the topic of the heavy lane, where only processors should write.
    pub(super) fn heavy(&self, random: &mut Random) -> Draft {
        let mut draft = match random.below(3) {
            0 => self.damaged(random),
            1 => self.hostile_values(random),
            _ => self.own(&requests::usual(random), random),
        };
        if random.below(2) == 0 {
            draft.headers = headers::hostile(random, &self.reply_topics);
        }
        let claims_repeat = draft.headers.iter().any(|(name, _)| name == "abacus-repeat");
        if claims_repeat {
            draft.expected = match draft.expected {
                Expected::Completed(_) => Expected::Answered,
                Expected::Either(_) => {
                    draft.headers.clear();
                    draft.expected
                }
                other => other,
            };
        }
        draft.target = Target::Heavy;
        draft
    }
}
