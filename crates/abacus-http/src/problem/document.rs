//! The problem document.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem_type::Class;

/// Media type of a problem document.
pub(super) const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// `Retry-After` of a 503 by default, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Longest text in a document, in characters.
const LONGEST_TEXT: usize = 300;

/// A problem document (RFC 9457). Some types have further members, which their pages name.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(examples(json!({
    "type": "/problems/operand-out-of-range",
    "title": "An operand is out of range",
    "status": 422,
    "detail": "the operand `n` must be 0 or more, not `-1`",
    "code": "operand-out-of-range",
    "operand": "n"
})))]
pub struct Problem {
    /// Path of the problem type: a page with cause and advice.
    #[schema(pattern = "^/problems/[a-z-]+$")]
    r#type: String,
    /// Title of the problem type.
    title: &'static str,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// Error of this request, and the needed change.
    detail: String,
    /// Stable name for programs: the end of `type`, or the processor's own code.
    code: String,
    /// Id of the request, if the request has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    request_id: Option<Uuid>,
    #[serde(flatten)]
    #[schema(ignore)]
    members: Map<String, Value>,
}

impl Problem {
    /// The document of an error. A long `detail` is cut.
    pub fn new(class: &Class, detail: &str) -> Self {
        Self {
            r#type: format!("/problems/{}", class.code),
            title: class.title,
            status: class.status.as_u16(),
            detail: cut(detail),
            code: class.code.to_owned(),
            request_id: None,
            members: Map::new(),
        }
    }

    /// Replaces the code.
    #[must_use]
    pub fn with_code(self, code: &str) -> Self {
        Self { code: code.to_owned(), ..self }
    }

    /// Sets the id of the request.
    #[must_use]
    pub fn with_request_id(self, request_id: Option<Uuid>) -> Self {
        Self { request_id, ..self }
    }

    /// Sets the extension members.
    #[must_use]
    pub fn with_members(self, members: Vec<(&'static str, Value)>) -> Self {
        let members = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { members, ..self }
    }

    /// Returns the document as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.to_json()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}

/// Cuts a long text. A caller's text may be as long as a body.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    mod rows {
        crate::problem_types! {
            BUSY: SERVICE_UNAVAILABLE, "busy", "The server is busy", "Too much waits.", "Wait.", Safe;
            WRONG: BAD_REQUEST, "wrong", "The request is wrong", "It is wrong.", "Change it.", Useless;
        }
    }

    #[test]
    fn members_follow_the_fixed_ones_in_a_document() {
        let problem = Problem::new(&rows::WRONG.silent(), "no")
            .with_members(vec![("limit", 5.into()), ("operand", "n".into())]);
        let json = String::from_utf8(problem.to_json()).unwrap();
        let expected = r#"{"type":"/problems/wrong","title":"The request is wrong","status":400,"detail":"no","code":"wrong","limit":5,"operand":"n"}"#;
        assert_eq!(json, expected);
    }

    #[test]
    fn a_request_id_and_a_code_of_its_own_are_in_the_document() {
        let problem = Problem::new(&rows::WRONG.silent(), "no")
            .with_code("special")
            .with_request_id(Some(Uuid::nil()));
        let json = String::from_utf8(problem.to_json()).unwrap();
        let expected = r#""code":"special","request_id":"00000000-0000-0000-0000-000000000000"}"#;
        assert!(json.ends_with(expected), "{json}");
        assert!(json.contains(r#""type":"/problems/wrong""#), "{json}");
    }

    #[test]
    fn a_response_is_not_stored_and_only_unavailability_names_a_time() {
        for (row, retry_after) in [(rows::WRONG, None), (rows::BUSY, Some("1"))] {
            let response = Problem::new(&row.silent(), "no").into_response();
            let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!(response.status(), row.status());
            assert_eq!(header(header::CONTENT_TYPE), Some("application/problem+json"));
            assert_eq!(header(header::CACHE_CONTROL), Some("no-store"));
            assert_eq!(header(header::RETRY_AFTER), retry_after);
        }
    }

    #[test]
    fn a_text_is_cut_after_300_characters() {
        let longest = "ä".repeat(LONGEST_TEXT);
        assert_eq!(cut(&longest), longest);
        assert_eq!(cut(&format!("{longest}b")), format!("{longest}…"));
    }
}
