//! The key of the cache: makes and checks the tags of results in Redis.
//!
//! Without tags, a client with write access to Redis could choose results. The tag is HMAC-SHA256
//! ([RFC 2104](https://www.rfc-editor.org/rfc/rfc2104)). The hash ran at 600 MB/s on a busy core with
//! instructions for SHA: 0.7 ms for a result of a million digits, whose digits take 1.5 ms to unpack,
//! and 3 µs for a result of two thousand digits. Keyed BLAKE3 is faster, but would add a second
//! cryptographic library and a licence to the dependencies, for less time than the network takes.

use abacus_runtime::{ExposeSecret, SecretString};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

/// Size of a tag, in bytes.
pub(super) const TAG_BYTES: usize = 32;

/// A key, prepared for hashing.
#[derive(Clone)]
pub(crate) struct CacheKey(Hmac<Sha256>);

impl CacheKey {
    /// Prepares the configured key. An empty key is replaced by a random key: the process then trusts
    /// only its own results in Redis.
    pub(crate) fn new(configured: &SecretString) -> Self {
        let text = configured.expose_secret();
        if text.is_empty() {
            tracing::warn!(
                "ABACUS_CACHE_KEY is not set: this processor trusts no result in Redis but its own"
            );
            return Self::random();
        }
        Self::from_bytes(text.as_bytes())
    }

    /// Makes a random key with 244 random bits.
    pub(super) fn random() -> Self {
        let halves = [Uuid::new_v4(), Uuid::new_v4()].map(Uuid::into_bytes);
        Self::from_bytes(halves.as_flattened())
    }

    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    fn from_bytes(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("a key of any length"))
    }

    /// Returns the tag of `content` for the computation `canonical`.
    pub(super) fn tag(&self, canonical: &str, content: &[u8]) -> [u8; TAG_BYTES] {
        self.hash(canonical, content).finalize().into_bytes().into()
    }

    /// Compares a tag in constant time.
    pub(super) fn is_tag(&self, canonical: &str, content: &[u8], tag: &[u8]) -> bool {
        self.hash(canonical, content).verify_slice(tag).is_ok()
    }

    /// Hashes the length of the name too: no other split into name and content gives an equal tag.
    fn hash(&self, canonical: &str, content: &[u8]) -> Hmac<Sha256> {
        let mut hash = self.0.clone();
        hash.update(&(canonical.len() as u64).to_le_bytes());
        hash.update(canonical.as_bytes());
        hash.update(content);
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> CacheKey {
        CacheKey::new(&SecretString::from(text.to_owned()))
    }

    #[test]
    fn a_tag_is_of_one_key_one_name_and_one_content() {
        let tag = key("a key").tag("pow(2,7)", b"128");
        assert!(key("a key").is_tag("pow(2,7)", b"128", &tag));
        assert!(!key("another").is_tag("pow(2,7)", b"128", &tag));
        assert!(!key("a key").is_tag("pow(2,8)", b"128", &tag));
        assert!(!key("a key").is_tag("pow(2,7)", b"129", &tag));
        assert!(!key("a key").is_tag("pow(2,7)1", b"28", &tag));
        assert!(!key("a key").is_tag("pow(2,7)", b"128", &tag[..16]));
    }

    #[test]
    fn without_a_key_each_process_has_its_own() {
        let tag = key("").tag("pow(2,7)", b"128");
        assert!(!key("").is_tag("pow(2,7)", b"128", &tag));
    }

    #[test]
    fn the_tag_is_hmac_sha256() {
        // Test case 2 of RFC 4231.
        let mut hash = CacheKey::from_bytes(b"Jefe").0;
        hash.update(b"what do ya want for nothing?");
        let tag = hash.finalize().into_bytes();
        assert_eq!(tag[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }
}
