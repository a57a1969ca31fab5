//! Problem documents (RFC 9457): what a caller gets instead of a result. What each type means is in
//! [`types`], and how the `OpenAPI` document describes them in [`responses`].

pub(crate) mod responses;
pub(crate) mod types;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use abacus_operations::Refusal;

use crate::error::{Class, Error, LogLevel};
use crate::identity;

pub(crate) use responses::On;

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

impl Failure {
    /// The problem document, where it is a part of an answer; and says so.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let class = self.error.class();
        self.log(&class);
        serde_json::to_vec(&Problem::new(self, &class)).unwrap_or_default()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let class = self.error.class();
        let mut response = (class.status, self.to_json()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if class.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        if let Error::NoSuchRange { len } = self.error {
            let place = HeaderValue::from_str(&format!("bytes */{len}")).ok();
            headers.extend(place.map(|place| (header::CONTENT_RANGE, place)));
        }
        if class.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, challenge(&self.error));
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

/// What `WWW-Authenticate` says (RFC 9110, section 11.6.1).
fn challenge(error: &Error) -> HeaderValue {
    match error {
        Error::Identity(error) => error.challenge(),
        _ => identity::CHALLENGE,
    }
}

/// The value of [`X_REQUEST_ID`].
pub(crate) fn id_header(id: Uuid) -> HeaderValue {
    let mut buffer = Uuid::encode_buffer();
    let text = id.hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("invalid"))
}

/// A problem document (RFC 9457). Some types have more members, which their pages name.
#[derive(Serialize, ToSchema)]
#[schema(examples(json!({
    "type": "/problems/operand-out-of-range",
    "title": "An operand is out of range",
    "status": 422,
    "detail": "the operand `n` must be 0 or more, not `-1`",
    "code": "operand-out-of-range",
    "operand": "n"
})))]
pub(crate) struct Problem {
    /// The problem type: a page that says what it means and what to do.
    #[schema(pattern = "^/problems/[a-z-]+$")]
    r#type: String,
    /// The same for every problem of the type.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong with this request, and what to change.
    detail: String,
    /// A stable name for programs: the end of `type`, or the processor's own.
    code: String,
    /// The id of the request, if it got so far as to have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    request_id: Option<Uuid>,
    #[serde(flatten)]
    #[schema(ignore)]
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
        Error::BodyTooLarge { limit } | Error::TooLongForHex { limit } => {
            vec![("limit", (*limit).into())]
        }
        Error::BatchSize { limit, .. } => vec![("limit", (*limit).into())],
        Error::InvalidParameter { parameter, .. } => vec![("parameter", cut(parameter).into())],
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
