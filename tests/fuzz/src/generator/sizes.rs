//! Records of unusual size.

use abacus_schemas::topics::MAX_REQUEST_BYTES;
use abacus_testkit::Random;

use super::{CODECS, Draft, Generator};
use crate::requests;
use crate::shot::Expected;

const MIB: usize = 1 << 20;
/// Largest value that a record unpacks to. A service holds the whole batch that its client unpacks, so
/// larger values would measure the client.
const UNPACKED: [usize; 4] = [MIB, 4 * MIB, 15 * MIB, 24 * MIB];
/// Sizes around the limits of the topic and of the value.
const SIZES: [usize; 6] =
    [0, 5, 64 << 10, MIB, MAX_REQUEST_BYTES - 400, MAX_REQUEST_BYTES + 10_000];

impl Generator {
    /// A size up to the limit of the topic, and above: no codec makes it smaller.
    pub(super) fn large(&self, random: &mut Random) -> Draft {
        let size = *random.one_of(&SIZES);
        let noise = noise(random, size);
        if random.below(2) == 0 {
            return Draft::new(noise.clone(), Expected::Either(noise));
        }
        let mut request = requests::usual(random);
        let digits = noise.iter().map(|byte| char::from(b'0' + byte % 10)).collect();
        request.operands.insert("n".to_owned(), digits);
        self.own(&request, random)
    }

    /// A large value, key or header that every codec makes small.
    pub(super) fn compressible(&self, random: &mut Random) -> Draft {
        let size = *random.one_of(&UNPACKED);
        let letter = *random.one_of(&["9", "\u{1}", "a"]);
        let mut request = requests::usual(random);
        let mut draft = match random.below(4) {
            0 => {
                request.operands.insert("n".to_owned(), letter.repeat(size));
                self.own(&request, random)
            }
            1 => {
                request.source = letter.repeat(size);
                self.own(&request, random)
            }
            2 => {
                let mut draft = self.own(&request, random);
                draft.key = Some(vec![0; size]);
                draft
            }
            _ => {
                let mut draft = self.own(&request, random);
                draft.headers.push(("large".to_owned(), Some(vec![0; size])));
                draft
            }
        };
        let record = draft.payload.clone().unwrap_or_default();
        draft.codec = CODECS[1 + usize::try_from(random.below(4)).unwrap()];
        draft.expected = Expected::Either(record);
        draft
    }
}

fn noise(random: &mut Random, size: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        (0..size.div_ceil(8)).flat_map(|_| random.bits().to_le_bytes()).collect();
    bytes.truncate(size);
    bytes
}
