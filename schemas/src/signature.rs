//! Signatures of requests. Any producer can claim any requester and source. The ingress signs its
//! requests with a key shared with the projector. The projector does not believe the claims of
//! unsigned requests.
//!
//! A signature is the HMAC-SHA256 of all fields of a request. The request id is one of the fields,
//! so a copy of a signed record is no new request.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::content::{add_content, add_text};
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
        let first = self.keys.first().map(|key| mac(key, request));
        first.map(|mac| mac.finalize().into_bytes().into()).unwrap_or_default()
    }

    /// Returns `true` if one of the keys made `signature` for `request`. Compares in constant time.
    pub fn verify(&self, request: &ComputeRequested, signature: &[u8]) -> bool {
        signature.len() == SIGNATURE_BYTES
            && self.keys.iter().any(|key| mac(key, request).verify_slice(signature).is_ok())
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

/// Returns the hash state after all fields of a request. No two requests give equal bytes.
fn mac(key: &Hmac<Sha256>, request: &ComputeRequested) -> Hmac<Sha256> {
    let ComputeRequested { request_id, operation, operands, requester, source, requested_at } =
        request;
    let mut mac = key.clone();
    add_text(&mut mac, CONTEXT);
    add_text(&mut mac, request_id);
    add_content(&mut mac, operation, operands, requester.as_deref(), source);
    mac.update(&requested_at.as_micros().to_be_bytes());
    mac
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

    #[test]
    fn a_signature_never_changes() {
        let named = ComputeRequested {
            request_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            operation: "pow".to_owned(),
            operands: [("base", "2"), ("exponent", "10")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            requester: Some("alice".to_owned()),
            source: "http".to_owned(),
            requested_at: Timestamp::from_micros(1_700_000_000_123_456),
        };
        let anonymous = ComputeRequested { requester: None, ..named.clone() };
        let sign = |request| keys(KEY).sign(request).map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(
            [sign(&named), sign(&anonymous)],
            [
                "25990200d1d8b92afb02e136cd621e0398f268fddf6ae9d600ae91a74093d973",
                "57ac676ba9a668ba5839163a2b84816a70b42552046cf8e9703a53730293f62c",
            ]
        );
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
