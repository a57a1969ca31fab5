//! The text of API keys: `abk_<id>_<secret>`.

use std::sync::Arc;
use std::time::Duration;

use abacus_runtime::SecretString;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::caller::Role;

/// Prefix of every key: distinguishes keys from tokens, and lets scanners find leaked keys.
pub(crate) const PREFIX: &str = "abk_";

const SECRET_BYTES: usize = 32;

/// Time for which an instance remembers a key. Every instance keeps a revocation longer than the revoked key.
pub(crate) const REMEMBERED_FOR: Duration = Duration::from_hours(1);

/// A well-formed key, not yet checked.
pub(crate) struct ApiKeyText<'a> {
    pub(crate) id: Uuid,
    pub(crate) secret: &'a str,
}

/// A key in the store.
#[derive(Clone, Debug)]
pub(crate) struct ApiKeyRecord {
    pub(crate) secret_sha256: [u8; 32],
    pub(crate) user_id: Uuid,
    pub(crate) name: Arc<str>,
    pub(crate) role: Role,
    /// Generation of the account when the record was read.
    pub(crate) generation: i64,
    /// True if the key is not revoked and the account is not disabled.
    pub(crate) is_good: bool,
}

/// A new key. The caller sees the text once; the store keeps only the hash.
pub(crate) struct NewApiKey {
    pub(crate) id: Uuid,
    pub(crate) text: SecretString,
    pub(crate) secret_sha256: [u8; 32],
}

impl<'a> ApiKeyText<'a> {
    /// Reads a key; `None` if it is malformed.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_whole = id.len() == 32 && secret.len() == SECRET_BYTES.div_ceil(3) * 4 - 1;
        let id = Uuid::try_parse(id).ok().filter(|_| is_whole)?;
        Some(Self { id, secret })
    }
}

impl NewApiKey {
    /// Makes a random key.
    pub(crate) fn generate() -> anyhow::Result<Self> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes)?;
        let (id, secret) = (Uuid::now_v7(), URL_SAFE_NO_PAD.encode(bytes));
        let text = SecretString::from(format!("{PREFIX}{}_{secret}", id.simple()));
        Ok(Self { id, text, secret_sha256: sha256(&secret) })
    }
}

/// Returns the stored form of a secret: the SHA-256 hash.
pub(crate) fn sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use abacus_runtime::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_new_key_reads_as_itself_and_differs_from_every_other() {
        let (key, other) = (NewApiKey::generate().unwrap(), NewApiKey::generate().unwrap());
        let text = ApiKeyText::parse(key.text.expose_secret()).unwrap();
        assert_eq!((text.id, sha256(text.secret)), (key.id, key.secret_sha256));
        assert_ne!(key.secret_sha256, other.secret_sha256);
    }

    #[test]
    fn what_is_not_a_whole_key_is_none() {
        let key = NewApiKey::generate().unwrap().text;
        let key = key.expose_secret();
        let shorter = &key[..key.len() - 1];
        for text in ["", "abk_", "abk_x_y", shorter, &format!("{key}x"), &key.replace("abk", "abc")]
        {
            assert!(ApiKeyText::parse(text).is_none(), "{text}");
        }
    }
}
