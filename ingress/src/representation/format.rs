//! Choice of a result's form by the `Accept` header (RFC 9110, section 12.5.1).

use abacus_http::fields::accept::{accepted, quality};
use axum::http::HeaderMap;

/// The form of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A JSON object.
    Json,
    /// The bare digits.
    Text,
}

/// Returns the caller's preferred form: JSON without a preference, `None` if neither form is
/// acceptable.
pub(crate) fn preferred_format(headers: &HeaderMap) -> Option<Format> {
    let Some(accepted) = accepted(headers) else { return Some(Format::Json) };
    match (quality(&accepted, "application", "json"), quality(&accepted, "text", "plain")) {
        (0, 0) => None,
        (json, text) if text > json => Some(Format::Text),
        _ => Some(Format::Json),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    fn accept(value: &str) -> Option<Format> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, value.parse().unwrap())]);
        preferred_format(&headers)
    }

    #[test]
    fn json_is_what_you_get_without_saying_more() {
        assert_eq!(preferred_format(&HeaderMap::new()), Some(Format::Json));
        for value in ["*/*", "application/json", "application/*", "text/html, */*;q=0.8"] {
            assert_eq!(accept(value), Some(Format::Json), "{value}");
        }
    }

    #[test]
    fn text_is_for_those_who_prefer_it() {
        for value in ["text/plain", "Text/Plain; charset=utf-8", "text/*", "text/plain, */*;q=0.1"]
        {
            assert_eq!(accept(value), Some(Format::Text), "{value}");
        }
        assert_eq!(accept("application/json;q=0.2, text/plain;q=0.1"), Some(Format::Json));
        assert_eq!(accept("*/*, application/json;q=0"), Some(Format::Text));
    }

    #[test]
    fn nothing_acceptable_is_an_error() {
        for value in ["image/png", "text/plain;q=0", "*/*;q=0", "nonsense"] {
            assert_eq!(accept(value), None, "{value}");
        }
    }
}
