//! Digest of the computation in an event. A completion repeats its request, so both have equal
//! digests, and the request log joins only rows with equal digests: a request id alone is a choice
//! of its producer, and two producers may choose equal ids.
//!
//! A completion cannot repeat a request that leaves no room in the record. The processor then sends
//! the digest of the request in the header [`CONTENT_DIGEST`](crate::headers::CONTENT_DIGEST).

use std::collections::BTreeMap;

use sha2::digest::Update;
use sha2::{Digest as _, Sha256};

/// Length of a digest, in bytes: collisions take 2^64 attempts.
const LENGTH: usize = 16;

/// First bytes of the SHA-256 of operation, operands, requester and source. The time of a request
/// is left out, because a producer may write a request again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContentDigest([u8; LENGTH]);

impl ContentDigest {
    /// Returns the digest of these fields of an event.
    pub fn new(
        operation: &str,
        operands: &BTreeMap<String, String>,
        requester: Option<&str>,
        source: &str,
    ) -> Self {
        let mut hash = Sha256::new();
        add_content(&mut hash, operation, operands, requester, source);
        let mut digest = [0; LENGTH];
        for (byte, hashed) in digest.iter_mut().zip(hash.finalize()) {
            *byte = hashed;
        }
        Self(digest)
    }

    /// Reads the bytes of a digest.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Returns the bytes of the digest.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Adds the fields of a computation to a hash. No two computations give equal bytes.
pub(crate) fn add_content(
    hash: &mut impl Update,
    operation: &str,
    operands: &BTreeMap<String, String>,
    requester: Option<&str>,
    source: &str,
) {
    add_text(hash, operation);
    add_count(hash, operands.len());
    for (name, value) in operands {
        add_text(hash, name);
        add_text(hash, value);
    }
    add_count(hash, requester.iter().len());
    for text in requester.into_iter().chain([source]) {
        add_text(hash, text);
    }
}

/// Adds a text after its length: different lists of texts give different bytes.
pub(crate) fn add_text(hash: &mut impl Update, text: &str) {
    add_count(hash, text.len());
    hash.update(text.as_bytes());
}

fn add_count(hash: &mut impl Update, count: usize) {
    hash.update(&(count as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Content = (String, BTreeMap<String, String>, Option<String>, String);

    fn digest((operation, operands, requester, source): &Content) -> ContentDigest {
        ContentDigest::new(operation, operands, requester.as_deref(), source)
    }

    fn content() -> impl Strategy<Value = Content> {
        let operands = prop::collection::btree_map("[ab]{0,2}", "[ab]{0,2}", 0..3);
        ("[ab]{0,2}", operands, prop::option::of("[ab]{0,2}"), "[ab]{0,2}")
    }

    #[test]
    fn a_digest_comes_back_from_its_bytes() {
        let digest = ContentDigest::new("pow", &BTreeMap::new(), None, "http");
        assert_eq!(ContentDigest::from_bytes(digest.as_bytes()), Some(digest));
        assert_eq!(ContentDigest::from_bytes(b"short"), None);
    }

    #[test]
    fn a_digest_never_changes() {
        let operands = [("base", "2"), ("exponent", "10")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let digest = |requester| {
            u128::from_be_bytes(ContentDigest::new("pow", &operands, requester, "http").0)
        };
        assert_eq!(digest(Some("alice")), 0xd2b6_ad49_63a4_57cb_90f5_78b7_9e0b_29cf);
        assert_eq!(digest(None), 0xe18f_d42d_11e2_f60e_2290_7281_9d51_cac4);
    }

    proptest! {
        #[test]
        fn equal_digests_mean_equal_content(one in content(), other in content()) {
            prop_assert_eq!(digest(&one) == digest(&other), one == other);
        }
    }
}
