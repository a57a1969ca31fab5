//! What a caller has of a result already, and which part of it is wanted.

use axum::http::{HeaderMap, HeaderName, Method, header};

/// The headers of conditional and partial requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    /// Whether the answer may be kept, and so have a tag: it is a GET or a HEAD.
    pub(crate) is_safe: bool,
    pub(super) if_none_match: Option<String>,
    pub(super) range: Option<String>,
    pub(super) if_range: Option<String>,
}

impl Conditions {
    pub(crate) fn read(method: &Method, headers: &HeaderMap) -> Self {
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

    /// Whether whatever there is will do.
    pub(super) fn is_any(&self) -> bool {
        self.if_none_match.as_deref().is_some_and(|tags| tags.trim() == "*")
    }
}

/// All values of a header, as one list.
fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    if !headers.contains_key(&name) {
        return None;
    }
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    Some(values.collect::<Vec<_>>().join(","))
}
