//! Conditional and partial requests: `If-Match`, `If-None-Match`, `Range`, `If-Range` (RFC 9110,
//! sections 13 and 14).

use axum::http::{HeaderMap, Method, header};

use super::structured::list;

/// The headers of conditional and partial requests.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// `true` for a safe method (GET or HEAD): the answer is cacheable and may have a tag.
    pub is_safe: bool,
    /// Value of `If-Match`.
    pub if_match: Option<String>,
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
        let range = if method == Method::GET { list(headers, header::RANGE) } else { None };
        Self {
            is_safe: true,
            if_match: list(headers, header::IF_MATCH),
            if_none_match: list(headers, header::IF_NONE_MATCH),
            range,
            if_range: list(headers, header::IF_RANGE),
        }
    }

    /// Returns `true` if `If-None-Match` is `*`: any tag matches.
    pub fn is_any(&self) -> bool {
        self.if_none_match.as_deref().is_some_and(|tags| tags.trim() == "*")
    }
}

/// Returns `true` if `If-Match` names tags. Such a condition is false for a resource without tags;
/// `*` is true for an existing resource (RFC 9110, section 13.1.1).
pub fn needs_tag(headers: &HeaderMap) -> bool {
    list(headers, header::IF_MATCH).is_some_and(|tags| tags.trim() != "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_star_matches_a_resource_without_tags() {
        let needs = |value: &str| {
            needs_tag(&HeaderMap::from_iter([(header::IF_MATCH, value.parse().unwrap())]))
        };
        assert!(needs("\"a\"") && needs("") && needs("*, \"a\""));
        assert!(!needs(" * ") && !needs_tag(&HeaderMap::new()));
    }
}
