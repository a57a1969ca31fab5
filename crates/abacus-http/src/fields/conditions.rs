//! Conditional and partial requests: `If-None-Match`, `Range`, `If-Range` (RFC 9110, sections 13
//! and 14).

use axum::http::{HeaderMap, HeaderName, Method, header};

/// The headers of conditional and partial requests.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// `true` for a safe method (GET or HEAD): the answer is cacheable and may have a tag.
    pub is_safe: bool,
    /// Value of `If-None-Match`.
    pub if_none_match: Option<String>,
    /// Value of `Range`, for a GET.
    pub range: Option<String>,
    /// Value of `If-Range`.
    pub if_range: Option<String>,
}

impl Conditions {
    /// Reads the headers of a request.
    pub fn read(method: &Method, headers: &HeaderMap) -> Self {
        if !method.is_safe() {
            return Self::default();
        }
        let range = if method == Method::GET { joined(headers, header::RANGE) } else { None };
        Self {
            is_safe: true,
            if_none_match: joined(headers, header::IF_NONE_MATCH),
            range,
            if_range: joined(headers, header::IF_RANGE),
        }
    }

    /// Returns `true` if `If-None-Match` is `*`: any tag matches.
    pub fn is_any(&self) -> bool {
        self.if_none_match.as_deref().is_some_and(|tags| tags.trim() == "*")
    }
}

/// Joins all values of a header to a list.
fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    if !headers.contains_key(&name) {
        return None;
    }
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    Some(values.collect::<Vec<_>>().join(","))
}
