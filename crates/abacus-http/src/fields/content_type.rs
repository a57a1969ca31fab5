//! `Content-Type` (RFC 9110, section 8.3).

use axum::http::{HeaderMap, header};

/// Returns `true` for JSON: `application/json`, or a type with the suffix `+json` (RFC 6839).
pub fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}
