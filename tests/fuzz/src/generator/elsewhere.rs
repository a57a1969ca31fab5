//! Records in topics where only the services should write: completions, replies, dead letters.

use abacus_testkit::Random;
use uuid::Uuid;

use super::bytes::damage;
use super::{CODECS, Draft, Generator, framed};
use crate::avro::{put_long, put_text, random_bytes};
use crate::requests;
use crate::shot::{Expected, Target};

impl Generator {
    pub(super) fn completed(&self, random: &mut Random) -> Draft {
        let mut draft = self.elsewhere(Target::Completed, random);
        if random.below(4) == 0 {
            let digest = random_bytes(random, 40);
            draft.headers.push(("abacus-content-digest".to_owned(), Some(digest)));
        }
        draft.codec = *random.one_of(&CODECS);
        draft
    }

    pub(super) fn reply(&self, random: &mut Random) -> Draft {
        let mut draft = self.elsewhere(Target::Replies, random);
        for _ in 0..random.below(3) {
            let id = match random.below(3) {
                0 => random_bytes(random, 300),
                1 => requests::request_id(random).as_bytes().to_vec(),
                _ => requests::request_id(random).to_string().into_bytes(),
            };
            let value = (random.below(8) != 0).then_some(id);
            draft.headers.push(("correlation-id".to_owned(), value));
        }
        draft
    }

    /// A dead letter that no processor has written, with the origin of any record.
    pub(super) fn dead_letter(&self, random: &mut Random) -> Draft {
        let mut draft = self.elsewhere(Target::DeadLetter, random);
        let offset = random.below(1000).to_string();
        for (name, value) in [
            ("error-class", "malformed"),
            ("error-message", "\u{1b}[31mnothing"),
            ("origin-topic", self.topics.requested.as_str()),
            ("origin-partition", "0"),
            ("origin-offset", offset.as_str()),
        ] {
            let bytes = match random.below(6) {
                0 => None,
                1 => Some(random_bytes(random, 20)),
                _ => Some(value.as_bytes().to_vec()),
            };
            draft.headers.push((name.to_owned(), bytes));
        }
        draft
    }

    /// A completion, whole or damaged, or random bytes.
    fn elsewhere(&self, target: Target, random: &mut Random) -> Draft {
        let payload = match random.below(3) {
            0 => random_bytes(random, 200),
            1 => {
                let mut bytes = self.completion(random);
                damage(&mut bytes, random);
                bytes
            }
            _ => self.completion(random),
        };
        let mut draft = Draft::new(payload, Expected::Ignored);
        draft.target = target;
        draft.key = (random.below(4) != 0).then(|| random_bytes(random, 40));
        draft
    }

    /// A completion of a request that nobody made.
    fn completion(&self, random: &mut Random) -> Vec<u8> {
        let request = requests::hostile(random);
        let id = if random.below(10) == 0 { Uuid::nil().to_string() } else { request.request_id };
        let mut body = Vec::new();
        put_text(&mut body, &id);
        put_text(&mut body, &request.operation);
        put_long(&mut body, 0);
        put_long(&mut body, 0);
        put_text(&mut body, &request.source);
        put_long(&mut body, requests::time(random));
        put_outcome(&mut body, random);
        put_long(&mut body, requests::time(random));
        put_long(&mut body, *random.one_of(&[0, -1, i64::MIN, i64::MAX]));
        put_long(&mut body, random.below(3).cast_signed());
        put_text(&mut body, &requests::text(random));
        framed(self.catalog.completed, &body)
    }
}

fn put_outcome(to: &mut Vec<u8>, random: &mut Random) {
    if random.below(2) == 0 {
        put_long(to, 0);
        put_text(to, &requests::text(random));
        put_long(to, requests::time(random));
        put_long(to, requests::time(random));
    } else {
        put_long(to, 1);
        let code = random.one_of(&["record-too-large", "expired", "\0"]);
        put_text(to, code);
        put_text(to, &requests::text(random));
    }
}
