//! Failed requests. A problem document is a whole response, or a part of a response.

use std::time::Duration;

use abacus_http::fields::rate_limit::retry_after;
use abacus_http::fields::request_id::{self, REQUEST_ID};
use abacus_http::problem::{self, Class, LogLevel, Problem};
use abacus_identity::Error as IdentityError;
use abacus_operations::Refusal;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use uuid::Uuid;

use super::error::Error;
use super::hints::hint;
use super::types::requests;
use crate::quotas::Error as QuotaError;
use crate::representation::Error as RepresentationError;
use crate::requests::{Error as RequestError, FailedRequest};

/// RFC 6750, section 3: an answer to a request without credentials names no error.
const CHALLENGE: HeaderValue = HeaderValue::from_static(r#"Bearer realm="abacus""#);
const CHALLENGE_INVALID: HeaderValue =
    HeaderValue::from_static(r#"Bearer realm="abacus", error="invalid_token""#);

/// Time before the next attempt if a permit is missing.
const PERMIT_RETRY: Duration = Duration::from_secs(1);

/// Largest estimate of digits that a JSON number holds exactly.
const LARGEST_EXACT: f64 = 9e15;

/// A failed HTTP request. The response is the problem document.
#[derive(Debug)]
pub(crate) struct Failure {
    error: Error,
    request_id: Option<Uuid>,
}

impl Failure {
    /// Returns a function that adds a request's id to an error, for `map_err`.
    pub(crate) fn with_request_id<E: Into<Error>>(id: Uuid) -> impl FnOnce(E) -> Self {
        move |error| Self { error: error.into(), request_id: Some(id) }
    }

    /// Returns the id of the request, if the request has an id.
    pub(crate) fn request_id(&self) -> Option<Uuid> {
        self.request_id
    }

    /// Returns the problem document as a part of an answer. Logs the failure.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let class = self.error.class();
        self.log(&class);
        self.problem(&class).to_json()
    }

    fn problem(&self, class: &Class) -> Problem {
        let code = match &self.error {
            // A failure without a row keeps the processor's code.
            Error::Requests(RequestError::ComputationFailed { code, .. }) => code,
            _ => class.code,
        };
        Problem::new(class, &format!("{}{}", self.error, hint(&self.error)))
            .with_code(code)
            .with_request_id(self.request_id)
            .with_members(members(&self.error))
    }

    /// Logs the failure once, at the table's level.
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

impl From<FailedRequest> for Failure {
    fn from(failed: FailedRequest) -> Self {
        Self { error: failed.error.into(), request_id: failed.request_id }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let class = self.error.class();
        self.log(&class);
        let mut response = self.problem(&class).into_response();
        write_headers(&self.error, class.status, response.headers_mut());
        if let Some(id) = self.request_id {
            response.headers_mut().insert(REQUEST_ID, request_id::to_header(id));
        }
        response
    }
}

/// Adds the header fields of an error.
fn write_headers(error: &Error, status: StatusCode, headers: &mut HeaderMap) {
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, challenge(error));
    }
    match error {
        Error::Requests(RequestError::Quota(error)) => write_quota(error, headers),
        Error::Plain(problem, _) if *problem == requests::UNSUPPORTED_CONTENT_CODING => {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        Error::TooManyConnections => retry_after(PERMIT_RETRY, headers),
        Error::Representation(RepresentationError::NoSuchRange { len }) => {
            let range = HeaderValue::from_str(&format!("bytes */{len}")).ok();
            headers.extend(range.map(|range| (header::CONTENT_RANGE, range)));
        }
        _ => {}
    }
}

/// Returns the `WWW-Authenticate` of an answer with 401 (RFC 9110, section 11.6.1).
fn challenge(error: &Error) -> HeaderValue {
    match error {
        Error::Identity(IdentityError::InvalidCredentials(_)) => CHALLENGE_INVALID,
        _ => CHALLENGE,
    }
}

/// Writes the time of the next attempt, and the state of the refusing limit.
fn write_quota(error: &QuotaError, headers: &mut HeaderMap) {
    match error {
        QuotaError::QuotaExceeded { policy, status } => {
            policy.write(status.remaining, status.reset_after, headers);
            retry_after(status.reset_after, headers);
        }
        QuotaError::TooManyAtOnce { policy, .. } => {
            policy.write(0, PERMIT_RETRY, headers);
            retry_after(PERMIT_RETRY, headers);
        }
        QuotaError::Overloaded { after } => retry_after(*after, headers),
        QuotaError::OutOfMemory => retry_after(PERMIT_RETRY, headers),
    }
}

/// Returns the extension members: the parts of the detail for programs.
fn members(error: &Error) -> Vec<(&'static str, Value)> {
    match error {
        Error::Requests(RequestError::Refused(refusal)) => refusal_members(refusal),
        Error::OperandType { operand, .. } | Error::RepeatedOperand { operand } => {
            vec![("operand", problem::cut(operand).into())]
        }
        Error::Requests(RequestError::Quota(error)) => quota_members(error),
        Error::BodyTooLarge { limit }
        | Error::UrlTooLong { limit }
        | Error::HeadersTooLarge { limit }
        | Error::Representation(RepresentationError::TooLongForHex { limit }) => {
            vec![("limit", (*limit).into())]
        }
        Error::BatchSize { limit, .. } => vec![("limit", (*limit).into())],
        Error::InvalidParameter { parameter, .. } => {
            vec![("parameter", problem::cut(parameter).into())]
        }
        _ => vec![],
    }
}

/// Returns the violated policies, in the member of draft-ietf-httpapi-ratelimit-headers-11.
fn quota_members(error: &QuotaError) -> Vec<(&'static str, Value)> {
    match error {
        QuotaError::QuotaExceeded { policy, .. } | QuotaError::TooManyAtOnce { policy, .. } => {
            vec![("violated-policies", vec![policy.name()].into())]
        }
        QuotaError::Overloaded { .. } | QuotaError::OutOfMemory => vec![],
    }
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
