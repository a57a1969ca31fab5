//! `Accept` (RFC 9110, section 12.5.1).
//!
//! An empty list of ranges states no preference, like a request without the field. RFC 9110 allows
//! the empty list and gives no meaning to it.

use axum::http::{HeaderMap, header};

use super::structured::list;

/// Returns all values of `Accept` as a list; `None` without a range.
pub fn accepted(headers: &HeaderMap) -> Option<String> {
    list(headers, header::ACCEPT).filter(|ranges| !ranges.trim_matches([',', ' ', '\t']).is_empty())
}

/// Returns the quality of a media type in thousandths: the weight of the most specific range that
/// covers the type.
/// ```
/// use abacus_http::fields::accept::quality;
/// assert_eq!(quality("text/*;q=0.5, application/json", "text", "plain"), 500);
/// assert_eq!(quality("image/png", "text", "plain"), 0);
/// ```
pub fn quality(accepted: &str, kind: &str, subtype: &str) -> u16 {
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

    #[test]
    fn an_empty_list_is_no_preference_and_a_malformed_one_accepts_nothing() {
        let accepted = |value: &[u8]| {
            let value = axum::http::HeaderValue::from_bytes(value).unwrap();
            super::accepted(&HeaderMap::from_iter([(header::ACCEPT, value)]))
        };
        for empty in ["", " ", ",", " , ,\t"] {
            assert_eq!(accepted(empty.as_bytes()), None, "{empty:?}");
        }
        for malformed in [&b"\xff"[..], b"/", b";q=1", b"nonsense", b"text/", b"*"] {
            let ranges = accepted(malformed).unwrap();
            assert_eq!(quality(&ranges, "text", "plain"), 0, "{ranges}");
        }
    }
}
