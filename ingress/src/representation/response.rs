//! The HTTP response for a computation.

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;
use uuid::Uuid;

use abacus_http::fields::conditions::Conditions;
use abacus_http::fields::range::{self, RequestedRange};
use abacus_http::fields::request_id::{self, REQUEST_ID};

use super::computation::{Computation, LOCATION};
use super::error::Error;
use super::format::Format;
use super::tag::Tag;
use super::view::View;

/// RFC 9211.
pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
pub(crate) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const IMMUTABLE: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
const VARY: HeaderValue = HeaderValue::from_static("accept, authorization, accept-encoding");
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// The requested form of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Rendering<'a> {
    pub(crate) format: Format,
    pub(crate) view: View,
    pub(crate) conditions: &'a Conditions,
    /// Entity tag of a cacheable answer.
    pub(crate) tag: Option<Tag>,
    /// Arrival time of the HTTP request.
    pub(crate) began: Instant,
}

impl Rendering<'_> {
    /// Checks `If-Match`. A pending answer has no tag, so only `*` matches.
    pub(crate) fn check_precondition(&self) -> Result<(), Error> {
        let Some(tags) = self.conditions.if_match.as_deref() else { return Ok(()) };
        let is_met = tags.trim() == "*"
            || self.tag.as_ref().is_some_and(|tag| tag.is_in_list_strongly(tags));
        is_met.then_some(()).ok_or(Error::PreconditionFailed)
    }

    /// Returns the tag of the answer if the caller already has the answer, in the caller's content
    /// coding.
    pub(crate) fn matching_tag(&self) -> Option<HeaderValue> {
        let (tag, list) = self.tag.as_ref().zip(self.conditions.if_none_match.as_deref())?;
        tag.find_in_list(list)
    }

    /// Like [`Rendering::matching_tag`], for an existing answer: `*` matches any tag.
    pub(crate) fn matching_tag_or_any(&self) -> Option<HeaderValue> {
        let any = self.tag.as_ref().filter(|_| self.conditions.is_any()).map(Tag::to_header);
        any.or_else(|| self.matching_tag())
    }

    /// Renders the response: 202 for a pending computation, 206 for a part of the digits, else 200.
    pub(crate) async fn render(self, computation: Computation) -> Result<Response, Error> {
        let id = computation.request_id;
        let computation = self.view.apply(computation).await?;
        let is_pending = computation.is_pending();
        let cache = computation.cache_status.map(HeaderValue::from_static);
        let timing = timing(&computation, self.began);
        let mut response = self.body(computation)?;
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, request_id::to_header(id));
        headers.insert(header::VARY, VARY);
        headers.extend(cache.map(|status| (CACHE_STATUS, status)));
        headers.extend(timing.map(|timing| (SERVER_TIMING, timing)));
        match self.tag {
            Some(tag) if !is_pending => {
                headers.insert(header::ETAG, tag.to_header());
                headers.insert(header::CACHE_CONTROL, IMMUTABLE);
            }
            _ => {
                headers.insert(header::CACHE_CONTROL, NO_STORE);
            }
        }
        if is_pending {
            accept(&mut response, id);
        }
        Ok(response)
    }

    fn body(&self, computation: Computation) -> Result<Response, Error> {
        match computation.result {
            Some(result) if self.format == Format::Text => self.digits(result.into()),
            _ => Ok(([(header::CONTENT_TYPE, JSON)], computation.to_json()).into_response()),
        }
    }

    /// Returns the bare digits, or the requested range of the digits.
    fn digits(&self, digits: Bytes) -> Result<Response, Error> {
        let headers = [(header::CONTENT_TYPE, TEXT), (header::ACCEPT_RANGES, BYTES)];
        let len = digits.len();
        match self.range(len) {
            RequestedRange::Whole => Ok((headers, digits).into_response()),
            RequestedRange::Unsatisfiable => Err(Error::NoSuchRange { len }),
            RequestedRange::Part(part) => {
                let range = format!("bytes {}-{}/{len}", part.start, part.end - 1);
                let range = [(header::CONTENT_RANGE, range)];
                Ok((StatusCode::PARTIAL_CONTENT, headers, range, digits.slice(part))
                    .into_response())
            }
        }
    }

    /// Returns the range to serve. Only a cacheable answer is served in part, and only if
    /// `If-Range` names the present tag.
    fn range(&self, len: usize) -> RequestedRange {
        let Conditions { range, if_range, .. } = self.conditions;
        let (Some(range), Some(tag)) = (range, &self.tag) else { return RequestedRange::Whole };
        let is_same = if_range.as_deref().is_none_or(|named| tag.matches_strongly(named));
        if is_same { range::read(range, len) } else { RequestedRange::Whole }
    }
}

/// Returns 304: the caller already has the answer.
pub(crate) fn not_modified(tag: HeaderValue) -> Response {
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, IMMUTABLE), (header::VARY, VARY)];
    (StatusCode::NOT_MODIFIED, headers).into_response()
}

/// Turns the response into a 202 with a `Location`.
fn accept(response: &mut Response, id: Uuid) {
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    let location = format!("{LOCATION}{id}").parse().ok();
    headers.extend(location.map(|location| (header::LOCATION, location)));
}

/// Returns the `Server-Timing` of the computation and of the whole request, in milliseconds.
fn timing(computation: &Computation, began: Instant) -> Option<HeaderValue> {
    let total = began.elapsed().as_micros();
    let (millis, rest) = (total / 1000, total % 1000);
    let text = match computation.compute_micros {
        Some(micros) => {
            let (computing, part) = (micros / 1000, micros % 1000);
            format!("compute;dur={computing}.{part:03}, total;dur={millis}.{rest:03}")
        }
        None => format!("total;dur={millis}.{rest:03}"),
    };
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests;
