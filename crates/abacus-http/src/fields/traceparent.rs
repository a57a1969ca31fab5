//! `traceparent` of W3C Trace Context: <https://www.w3.org/TR/trace-context/#traceparent-header>.

use axum::http::{HeaderName, HeaderValue};
use uuid::Uuid;

/// The header of requests and responses.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Makes the `traceparent` of a request without a trace. The trace id is the request's id, a UUID
/// with a random half as the standard recommends. The sampled flag is clear, because the trace is
/// not recorded.
pub fn for_request(id: Uuid) -> HeaderValue {
    let trace = id.as_simple();
    let (_, parent) = id.as_u64_pair();
    HeaderValue::try_from(format!("00-{trace}-{parent:016x}-00"))
        .unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_made_of_the_requests_id() {
        let id = Uuid::parse_str("019aa5d2-7c1e-7d40-9f0b-3b1a2c4d5e6f").unwrap();
        let made = for_request(id);
        assert_eq!(made, "00-019aa5d27c1e7d409f0b3b1a2c4d5e6f-9f0b3b1a2c4d5e6f-00");
    }
}
