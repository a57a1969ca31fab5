//! `X-Request-Id`: the id of a request, for logs and for support.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header of requests and responses.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest accepted id, in characters.
const LONGEST: usize = 128;

/// Returns the caller's id, if harmless in logs and headers.
pub fn from_headers(headers: &HeaderMap) -> Option<HeaderValue> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    let id = headers.get(REQUEST_ID)?;
    let is_well_formed = (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(is_plain);
    is_well_formed.then(|| id.clone())
}

/// Returns the header value of an id.
pub fn to_header(id: Uuid) -> HeaderValue {
    let mut buffer = Uuid::encode_buffer();
    let text = id.hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("invalid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(id: &str) -> bool {
        let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(id).unwrap())]);
        from_headers(&headers).is_some()
    }

    #[test]
    fn an_id_is_taken_over_only_if_it_is_harmless() {
        for id in ["a", "01890a5d-ac96-774b-bcce-b302099a8057", "Root=1-67891233/abc+="] {
            assert!(taken(id), "{id}");
        }
        for id in ["", "a b", "\"a\"", "<a>", "a,b", "{}", &"x".repeat(LONGEST + 1)] {
            assert!(!taken(id), "{id}");
        }
    }
}
