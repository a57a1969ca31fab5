//! The form of an answer, as the `Accept` header asks for it (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};

use crate::error::Error;

/// The form of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A JSON object.
    Json,
    /// The digits and nothing else.
    Text,
}

/// The form the caller prefers; JSON where all are the same to it.
pub(crate) fn preferred(headers: &HeaderMap) -> Result<Format, Error> {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return Ok(Format::Json);
    }
    let accepted = values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
    let json = quality(&accepted, "application", "json");
    let text = quality(&accepted, "text", "plain");
    match (json, text) {
        (0, 0) => Err(Error::NotAcceptable),
        (json, text) if text > json => Ok(Format::Text),
        _ => Ok(Format::Json),
    }
}

/// How welcome a media type is, in thousandths: what the most specific range that covers it says.
pub(crate) fn quality(accepted: &str, kind: &str, subtype: &str) -> u16 {
    let mut best = (0, 0);
    for range in accepted.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let Some((range_kind, range_subtype)) = parts.next().and_then(|r| r.split_once('/')) else {
            continue;
        };
        let specificity = match (range_kind, range_subtype) {
            ("*", "*") => 1,
            (k, "*") if k.eq_ignore_ascii_case(kind) => 2,
            (k, s) if k.eq_ignore_ascii_case(kind) && s.eq_ignore_ascii_case(subtype) => 3,
            _ => continue,
        };
        if specificity > best.0 {
            best = (specificity, weight(parts));
        }
    }
    best.1
}

fn weight<'a>(mut parameters: impl Iterator<Item = &'a str>) -> u16 {
    let value = parameters.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
    let Some(weight) = value.and_then(|value| value.parse::<f64>().ok()) else { return 1000 };
    thousandths(weight.clamp(0.0, 1.0))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1000")]
fn thousandths(weight: f64) -> u16 {
    (weight * 1000.0).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &str) -> Option<Format> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, value.parse().unwrap())]);
        preferred(&headers).ok()
    }

    #[test]
    fn json_is_what_you_get_without_saying_more() {
        assert_eq!(preferred(&HeaderMap::new()).ok(), Some(Format::Json));
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
