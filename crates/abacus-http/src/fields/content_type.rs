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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_one_type_and_all_with_the_suffix() {
        let is_json = |text: &str| {
            super::is_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, text.parse().unwrap())]))
        };
        for text in
            ["application/json", "Application/Problem+JSON; charset=utf-8", "application/json;"]
        {
            assert!(is_json(text), "{text}");
        }
        for text in ["", "text/plain", "text/x+json", "application/jsonp", "json"] {
            assert!(!is_json(text), "{text}");
        }
        assert!(!super::is_json(&HeaderMap::new()));
    }
}
