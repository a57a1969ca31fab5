//! Keys of session tokens, by id: the first key signs, all keys verify.
//!
//! Keys change without ending sessions in three steps, each on all instances before the next: append the new key; move
//! the new key to the front; remove the old key after the longest lifetime of a token. A new key placed at the front at
//! once would sign tokens unknown to instances with the old setting.

use abacus_runtime::{ExposeSecret as _, SecretString};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jsonwebtoken::{DecodingKey, EncodingKey};

/// Shortest key, in bytes: the length of the hash (RFC 7518, section 3.2).
const SHORTEST_KEY: usize = 32;
const LONGEST_ID: usize = 64;

/// Keys by id.
pub(crate) struct KeyRing {
    first: Key,
    others: Vec<Key>,
}

/// A key for signing and verifying.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) encoding: EncodingKey,
    pub(crate) decoding: DecodingKey,
}

impl KeyRing {
    /// Reads `id:base64[,id:base64...]`. The error describes the fault without showing a key.
    pub(crate) fn parse(text: &SecretString) -> Result<Self, String> {
        let entries = text.expose_secret().split(',').map(str::trim);
        let mut keys: Vec<(String, Vec<u8>)> = Vec::new();
        for (index, entry) in entries.enumerate() {
            let (id, key) = entry_of(entry).map_err(|problem| {
                format!("expected id:base64[,id:base64...]; key {} {problem}", index + 1)
            })?;
            if keys.iter().any(|(known, bytes)| *known == id || *bytes == key) {
                return Err(format!("key {} is there twice, or its id is", index + 1));
            }
            keys.push((id, key));
        }
        let mut keys = keys.into_iter().map(|(id, bytes)| Key::new(id, &bytes));
        let first = keys.next().ok_or("expected at least one key")?;
        Ok(Self { first, others: keys.collect() })
    }

    /// A random key. Tokens signed with this key are invalid after a restart and on other instances.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; SHORTEST_KEY];
        getrandom::fill(&mut bytes)?;
        Ok(Self { first: Key::new("random".to_owned(), &bytes), others: Vec::new() })
    }

    /// Returns the signing key.
    pub(crate) fn signing(&self) -> &Key {
        &self.first
    }

    /// Returns the key with this id, for verification.
    pub(crate) fn find(&self, id: &str) -> Option<&Key> {
        std::iter::once(&self.first).chain(&self.others).find(|key| key.id == id)
    }
}

impl Key {
    fn new(id: String, bytes: &[u8]) -> Self {
        let (encoding, decoding) =
            (EncodingKey::from_secret(bytes), DecodingKey::from_secret(bytes));
        Self { id, encoding, decoding }
    }
}

fn entry_of(entry: &str) -> Result<(String, Vec<u8>), &'static str> {
    let (id, key) = entry.split_once(':').ok_or("has no id in front of a colon")?;
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(is_id) {
        return Err("has an id that is not 1 to 64 letters, digits, dots, underscores and hyphens");
    }
    let bytes = decode(key).ok_or("is not base64")?;
    if bytes.len() < SHORTEST_KEY {
        return Err("has fewer than 32 bytes");
    }
    Ok((id.to_owned(), bytes))
}

/// Decodes base64 of either alphabet, with or without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [STANDARD, URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<KeyRing, String> {
        KeyRing::parse(&SecretString::from(text))
    }

    #[test]
    fn the_first_key_signs_and_all_are_found() {
        let ring = parse(&format!("b:{}, a:{}", "QUFB".repeat(11), "QUJC".repeat(12))).unwrap();
        assert_eq!(ring.signing().id, "b");
        assert_eq!(ring.find("a").unwrap().id, "a");
        assert!(ring.find("c").is_none());
    }

    #[test]
    fn a_bad_key_is_refused_without_showing_it() {
        let good = "QUFB".repeat(11);
        for (text, problem) in [
            (good.clone(), "no id"),
            (format!(":{good}"), "an id"),
            (format!("a b:{good}"), "an id"),
            (format!("a:{}!", &good[1..]), "not base64"),
            ("a:QUFB".to_owned(), "fewer than 32"),
            (format!("a:{good},b:{good}"), "twice"),
            (format!("a:{good},a:{}", "QUJC".repeat(11)), "twice"),
            (format!("a:{good},"), "no id"),
            (String::new(), "no id"),
        ] {
            let error = parse(&text).err().unwrap();
            assert!(error.contains(problem), "{error}");
            assert!(!error.contains("QUFB"), "{error}");
        }
    }

    #[test]
    fn keys_come_in_either_alphabet_with_and_without_padding() {
        let bytes = [0xfb; 32];
        for text in [
            base64::engine::general_purpose::STANDARD.encode(bytes),
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes),
        ] {
            assert!(parse(&format!("a:{text}")).is_ok(), "{text}");
        }
    }
}
