//! Problem documents (RFC 9457): what a caller gets instead of a result.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use abacus_operations::Refusal;

use crate::error::{Class, Error, LogLevel};

/// The media type of a problem document.
pub(crate) const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The name of the response header with the request's id.
pub(crate) const X_REQUEST_ID: &str = "x-request-id";

/// Seconds after which trying again makes sense.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// In characters.
const LONGEST_TEXT: usize = 300;

/// Digit counts above this are not exact in JSON, and estimates anyway.
const LARGEST_EXACT: f64 = 9e15;

/// A request that ended in an error; as a response, its problem document.
#[derive(Debug)]
pub(crate) struct Failure {
    error: Error,
    request_id: Option<Uuid>,
}

impl Failure {
    /// The failure of the request that is known as `id`.
    pub(crate) fn of(id: Uuid) -> impl FnOnce(Error) -> Self {
        move |error| Self { error, request_id: Some(id) }
    }

    /// Says so once, as loudly as the table says.
    fn log(&self, class: &Class) {
        let request_id = self.request_id.map(tracing::field::display);
        let error = &self.error as &dyn std::error::Error;
        let code = class.code;
        match class.log {
            LogLevel::Silent => {}
            LogLevel::Debug => tracing::debug!(request_id, code, error, "request failed"),
            LogLevel::Warn => tracing::warn!(request_id, code, error, "request failed"),
            LogLevel::Error => tracing::error!(request_id, code, error, "request failed"),
        }
    }
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), request_id: None }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let class = self.error.class();
        self.log(&class);
        let document = Problem::new(&self, &class);
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (class.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if class.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if let Error::Protection(error) = &self.error {
            error.write(headers);
        }
        if let Some(id) = self.request_id {
            headers.insert(X_REQUEST_ID, id_header(id));
        }
        response
    }
}

/// The value of [`X_REQUEST_ID`].
pub(crate) fn id_header(id: Uuid) -> HeaderValue {
    let mut buffer = Uuid::encode_buffer();
    let text = id.hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("invalid"))
}

#[derive(Serialize)]
struct Problem {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Uuid>,
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl Problem {
    fn new(failure: &Failure, class: &Class) -> Self {
        Self {
            r#type: format!("/problems/{}", class.code),
            title: class.title,
            status: class.status.as_u16(),
            detail: cut(&failure.error.to_string()),
            code: code(&failure.error, class),
            request_id: failure.request_id,
            members: members(&failure.error),
        }
    }
}

/// Callers' texts come back in details, and may be as long as a body.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The processor's own code where it has one that we have no row for.
fn code(error: &Error, class: &Class) -> String {
    match error {
        Error::Failed { code, .. } => code.clone(),
        _ => class.code.to_owned(),
    }
}

/// Extension members: the parts of the detail that programs use.
fn members(error: &Error) -> Map<String, Value> {
    let pairs: Vec<(&str, Value)> = match error {
        Error::Refused(refusal) => refusal_members(refusal),
        Error::OperandType { operand, .. } | Error::RepeatedOperand { operand } => {
            vec![("operand", cut(operand).into())]
        }
        Error::Protection(error) => error.members(),
        Error::BodyTooLarge { limit } => vec![("limit", (*limit).into())],
        _ => vec![],
    };
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn refusal_members(refusal: &Refusal) -> Vec<(&'static str, Value)> {
    let mut members = Vec::new();
    if let Some(operand) = refusal.operand() {
        members.push(("operand", operand.into()));
    }
    match refusal {
        Refusal::UnknownOperation { known, .. } => {
            members.push(("operations", known.as_slice().into()));
        }
        Refusal::UnexpectedOperand { expected, .. } => {
            members.push(("operands", expected.as_slice().into()));
        }
        Refusal::ResultTooLarge { estimated_digits, limit_digits, .. } => {
            members.push(("limit", (*limit_digits).into()));
            members.extend(exact(*estimated_digits).map(|digits| ("estimated_digits", digits)));
        }
        _ => {}
    }
    members
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
fn exact(digits: f64) -> Option<Value> {
    (0.0..LARGEST_EXACT).contains(&digits).then(|| Value::from(digits as u64))
}

#[cfg(test)]
mod tests;
