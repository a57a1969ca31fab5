//! Signatures of requests. Any producer can claim any requester and source. The ingress signs its
//! requests with a key shared with the projector. The projector does not believe the claims of
//! unsigned requests.
//!
//! A signature is the HMAC-SHA256 of all fields of a request. The request id is one of the fields,
//! so a copy of a signed record is no new request.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::event::ComputeRequested;

/// Length of a signature, in bytes.
pub const SIGNATURE_BYTES: usize = 32;

/// Shortest key, in bytes: the length of the hash (RFC 2104, section 3).
const SHORTEST_KEY: usize = 32;

/// First input of the hash, so that a key in use for another purpose gives other signatures.
const CONTEXT: &str = "abacus request 1";

/// Keys of signatures: the first signs, all verify.
#[derive(Clone)]
pub struct RecordKeys {
    /// Hash states after the key.
    keys: Vec<Hmac<Sha256>>,
}

/// Wrong text of [`RecordKeys`]. Shows no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected keys of {SHORTEST_KEY} characters or more, separated by commas")]
pub struct InvalidRecordKeys;

impl RecordKeys {
    /// Reads keys separated by commas. Each key is a text of 32 bytes or more.
    ///
    /// ```
    /// use abacus_schemas::RecordKeys;
    ///
    /// assert!(RecordKeys::parse("dGhlLWtleS1vZi1hbGwtdGVzdHMtMzItYnl0ZXM=").is_ok());
    /// assert!(RecordKeys::parse("a short key").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, InvalidRecordKeys> {
        let keys = text.split(',').map(|key| read_key(key.trim()));
        keys.collect::<Option<_>>().map(|keys| Self { keys }).ok_or(InvalidRecordKeys)
    }

    /// Returns the signature of `request` by the first key.
    pub fn sign(&self, request: &ComputeRequested) -> [u8; SIGNATURE_BYTES] {
        let first = self.keys.first().cloned();
        first.map(|key| finish(key, request).into_bytes().into()).unwrap_or_default()
    }

    /// Returns `true` if one of the keys made `signature` for `request`. Compares in constant time.
    pub fn verify(&self, request: &ComputeRequested, signature: &[u8]) -> bool {
        signature.len() == SIGNATURE_BYTES
            && self.keys.iter().any(|key| {
                let mut mac = key.clone();
                write(&mut mac, request);
                mac.verify_slice(signature).is_ok()
            })
    }
}

impl fmt::Debug for RecordKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordKeys").field("keys", &self.keys.len()).finish()
    }
}

fn read_key(text: &str) -> Option<Hmac<Sha256>> {
    if text.len() < SHORTEST_KEY {
        return None;
    }
    Hmac::new_from_slice(text.as_bytes()).ok()
}

fn finish(
    mut mac: Hmac<Sha256>,
    request: &ComputeRequested,
) -> hmac::digest::CtOutput<Hmac<Sha256>> {
    write(&mut mac, request);
    mac.finalize()
}

/// Adds every field, each after its length, so that no two requests give equal bytes.
fn write(mac: &mut Hmac<Sha256>, request: &ComputeRequested) {
    let ComputeRequested { request_id, operation, operands, requester, source, requested_at } =
        request;
    for text in [CONTEXT, request_id, operation] {
        write_text(mac, text);
    }
    write_number(mac, operands.len() as u64);
    for (name, value) in operands {
        write_text(mac, name);
        write_text(mac, value);
    }
    write_number(mac, requester.is_some().into());
    for text in requester.iter().chain([source]) {
        write_text(mac, text);
    }
    mac.update(&requested_at.as_micros().to_be_bytes());
}

fn write_text(mac: &mut Hmac<Sha256>, text: &str) {
    write_number(mac, text.len() as u64);
    mac.update(text.as_bytes());
}

fn write_number(mac: &mut Hmac<Sha256>, number: u64) {
    mac.update(&number.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::timestamp::Timestamp;

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "0123456789abcdef0123456789abcdeg";

    fn keys(text: &str) -> RecordKeys {
        RecordKeys::parse(text).unwrap()
    }

    fn request() -> impl Strategy<Value = ComputeRequested> {
        let operands = prop::collection::btree_map("[ab]{0,2}", "[ab]{0,2}", 0..3);
        let requester = prop::option::of("[ab]{0,2}");
        ("[ab]{0,2}", "[ab]{0,2}", operands, requester, "[ab]{0,2}", 0..3_i64).prop_map(
            |(request_id, operation, operands, requester, source, micros)| ComputeRequested {
                request_id,
                operation,
                operands,
                requester,
                source,
                requested_at: Timestamp::from_micros(micros),
            },
        )
    }

    #[test]
    fn a_key_is_long_enough_and_never_shown() {
        for text in ["", "short", &format!("{KEY},"), &format!("{KEY},short")] {
            assert_eq!(RecordKeys::parse(text).err(), Some(InvalidRecordKeys), "{text}");
        }
        assert_eq!(format!("{:?}", keys(&format!("{KEY}, {OTHER}"))), "RecordKeys { keys: 2 }");
    }

    proptest! {
        #[test]
        fn a_signature_is_good_for_its_request_alone(one in request(), other in request()) {
            let signature = keys(KEY).sign(&one);
            prop_assert!(keys(KEY).verify(&one, &signature));
            prop_assert_eq!(keys(KEY).verify(&other, &signature), one == other);
            prop_assert!(!keys(OTHER).verify(&one, &signature));
            prop_assert!(!keys(KEY).verify(&one, signature.split_last().unwrap().1));
            prop_assert!(!keys(KEY).verify(&one, b""));
        }

        #[test]
        fn keys_change_in_steps(request in request()) {
            let both = keys(&format!("{OTHER},{KEY}"));
            prop_assert!(both.verify(&request, &keys(KEY).sign(&request)));
            prop_assert_eq!(both.sign(&request), keys(OTHER).sign(&request));
        }
    }
}
