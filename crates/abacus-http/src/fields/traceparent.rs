//! `traceparent` of W3C Trace Context: <https://www.w3.org/TR/trace-context/#traceparent-header>.

use axum::http::{HeaderName, HeaderValue};
use uuid::Uuid;

/// The header of requests and responses.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// `00-` trace id `-` parent id `-` flags.
const LEN: usize = 2 + 1 + 32 + 1 + 16 + 1 + 2;

/// Makes the `traceparent` of a request without a trace. The trace id is the request's id, a UUID
/// with a random half as the standard recommends. The sampled flag is clear, because the trace is
/// not recorded.
pub fn for_request(id: Uuid) -> HeaderValue {
    let trace = id.as_simple();
    let (_, parent) = id.as_u64_pair();
    HeaderValue::try_from(format!("00-{trace}-{parent:016x}-00"))
        .unwrap_or(HeaderValue::from_static(""))
}

/// Returns `true` for a well-formed `traceparent` of version 00.
pub fn is_well_formed(value: &[u8]) -> bool {
    let mut fields = value.split(|byte| *byte == b'-');
    let mut field = |len: usize| fields.next().is_some_and(|field| is_hex(field, len));
    value.len() == LEN
        && value.starts_with(b"00-")
        && field(2)
        && field(32)
        && field(16)
        && field(2)
        && has_ids(value)
}

fn is_hex(field: &[u8], len: usize) -> bool {
    field.len() == len && field.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Checks both ids for validity: not all zeros.
fn has_ids(value: &[u8]) -> bool {
    let mut ids = value.split(|byte| *byte == b'-').skip(1).take(2);
    ids.all(|id| id.iter().any(|byte| *byte != b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_made_of_the_requests_id() {
        let id = Uuid::parse_str("019aa5d2-7c1e-7d40-9f0b-3b1a2c4d5e6f").unwrap();
        let made = for_request(id);
        assert_eq!(made, "00-019aa5d27c1e7d409f0b3b1a2c4d5e6f-9f0b3b1a2c4d5e6f-00");
        assert!(is_well_formed(made.as_bytes()));
    }

    #[test]
    fn only_the_standards_form_is_handed_on() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(is_well_formed(good.as_bytes()));
        for bad in [
            "",
            &good[..54],
            &good.to_uppercase(),
            &good.replacen("00-", "ff-", 1),
            &good.replace("00f067aa0ba902b7", "0000000000000000"),
            &good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &good.replace("b7-01", "b-701"),
            &format!("{good}-00"),
        ] {
            assert!(!is_well_formed(bad.as_bytes()), "{bad}");
        }
    }
}
