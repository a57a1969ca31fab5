//! Values that are no request, or only nearly.

use abacus_testkit::Random;

use super::{Draft, FEW, Generator, framed};
use crate::avro::random_bytes;
use crate::requests;
use crate::shot::Expected;
use crate::writer_schema::WriterSchema;

/// Headers in which serializers write the id of a schema.
const SCHEMA_HEADERS: [&str; 4] =
    ["value.schemaId", "__value_schema_id", "apicurio.value.globalId", "apicurio.value.contentId"];

impl Draft {
    /// Random bytes, or no value at all.
    pub(super) fn random_payload(random: &mut Random) -> Draft {
        let most = *random.one_of(&[0, 4, 5, 6, 50, 5000]);
        let bytes = random_bytes(random, most);
        let mut draft = Draft::new(bytes.clone(), Expected::Either(bytes));
        if random.below(10) == 0 {
            draft.payload = None;
            draft.expected = Expected::DeadLetter;
        }
        draft
    }
}

impl Generator {
    /// A request in any schema with a few changed bytes, cut off, or with bytes behind it.
    pub(super) fn damaged(&self, random: &mut Random) -> Draft {
        let whole = match random.below(2) {
            0 => self.own(&requests::usual(random), random),
            _ => self.writer_schema(random),
        };
        let mut bytes = whole.payload.unwrap_or_default();
        damage(&mut bytes, random);
        Draft::new(bytes.clone(), Expected::Either(bytes))
    }

    /// An id that nobody knows, the id of a completion, or another first byte.
    pub(super) fn unknown_schema(&self, random: &mut Random) -> Draft {
        let body = WriterSchema::own().encode(&requests::usual(random), random, FEW);
        let id = match random.below(4) {
            0 => self.catalog.completed,
            1 => u32::MAX,
            2 => 0,
            _ => 1_000_000 + u32::try_from(random.below(20)).unwrap(),
        };
        let mut bytes = framed(id, &body);
        if random.below(4) == 0 {
            bytes[0] = 1;
        }
        Draft::new(bytes, Expected::DeadLetter)
    }

    /// Avro without the id of its schema, which is in a header.
    pub(super) fn schema_id_in_header(&self, random: &mut Random) -> Draft {
        let body = WriterSchema::own().encode(&requests::usual(random), random, FEW);
        let mut draft = Draft::new(body, Expected::DeadLetter);
        let name = (*random.one_of(&SCHEMA_HEADERS)).to_owned();
        draft.headers.push((name, Some(self.catalog.requested.to_be_bytes().to_vec())));
        draft
    }
}

/// Changes `bytes` at random.
pub(super) fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let any = |random: &mut Random, length: usize| {
        usize::try_from(random.below(length.max(1) as u64)).unwrap()
    };
    match random.below(4) {
        0 => bytes.truncate(any(random, bytes.len())),
        1 => bytes.extend(random_bytes(random, 20)),
        _ => {
            for _ in 0..random.between(1, 4) {
                let at = any(random, bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
}
