//! The author of a request: an ingress, known by the signature, or an unknown producer with claims for
//! requester and source.

use abacus_schemas::{ComputeRequested, RecordKeys};

/// Source of the requests of the ingress.
const INGRESS_SOURCE: &str = "http";

/// Source of an unsigned request that claims to come from the ingress.
const UNSIGNED_SOURCE: &str = "kafka";

/// Result of the check of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authorship {
    /// The signature is right: an ingress wrote the record.
    Signed,
    /// The record has no signature, or the projector has no key.
    Unsigned,
    /// The signature is wrong.
    Forged,
}

impl Authorship {
    pub(crate) const ALL: [Self; 3] = [Self::Signed, Self::Unsigned, Self::Forged];

    /// Checks the signature of `request`.
    pub(crate) fn of(
        request: &ComputeRequested,
        signature: Option<&[u8]>,
        keys: Option<&RecordKeys>,
    ) -> Self {
        match (signature, keys) {
            (Some(signature), Some(keys)) if keys.verify(request, signature) => Self::Signed,
            (Some(_), Some(_)) => Self::Forged,
            _ => Self::Unsigned,
        }
    }

    /// Returns `true` if requester and source are facts.
    pub(crate) fn is_signed(self) -> bool {
        self == Self::Signed
    }

    /// Returns the source of a request: as written, except for a producer with the source of the
    /// ingress.
    pub(crate) fn source(self, claimed: String) -> String {
        if self.is_signed() || claimed != INGRESS_SOURCE {
            claimed
        } else {
            UNSIGNED_SOURCE.to_owned()
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Unsigned => "unsigned",
            Self::Forged => "forged",
        }
    }
}

#[cfg(test)]
mod tests {
    use abacus_schemas::Timestamp;

    use super::*;

    fn keys(letter: &str) -> RecordKeys {
        RecordKeys::parse(&letter.repeat(32)).unwrap()
    }

    #[test]
    fn only_a_signature_by_a_known_key_makes_a_fact_of_a_claim() {
        let request = ComputeRequested {
            request_id: "1".to_owned(),
            operation: "pow".to_owned(),
            operands: [].into(),
            requester: Some("ada".to_owned()),
            source: "http".to_owned(),
            requested_at: Timestamp::from_micros(0),
        };
        let signature = keys("a").sign(&request);
        let of = |signature, keys: Option<RecordKeys>| {
            Authorship::of(&request, signature, keys.as_ref())
        };
        assert_eq!(of(Some(&signature), Some(keys("a"))), Authorship::Signed);
        assert_eq!(of(Some(&signature), Some(keys("b"))), Authorship::Forged);
        assert_eq!(of(Some(b""), Some(keys("a"))), Authorship::Forged);
        assert_eq!(of(None, Some(keys("a"))), Authorship::Unsigned);
        assert_eq!(of(Some(&signature), None), Authorship::Unsigned);
    }

    #[test]
    fn only_a_signed_request_comes_over_http() {
        for authorship in Authorship::ALL {
            let expected = if authorship.is_signed() { "http" } else { "kafka" };
            assert_eq!(authorship.source("http".to_owned()), expected);
            assert_eq!(authorship.source("batch".to_owned()), "batch");
        }
    }
}
