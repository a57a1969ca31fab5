//! A computation as a response.

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;
use uuid::Uuid;

use super::range::{self, Asked};
use super::{Conditions, Tag, View};
use crate::computations::computation::{Computation, LOCATION};
use crate::error::Error;
use crate::problem::{Failure, X_REQUEST_ID, id_header};
use crate::request::accept::Format;

/// RFC 9211.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const FOR_EVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
const VARY: HeaderValue = HeaderValue::from_static("accept, authorization, accept-encoding");
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// How a computation is to be given.
#[derive(Clone, Debug)]
pub(crate) struct Rendering<'a> {
    pub(crate) format: Format,
    pub(crate) view: View,
    pub(crate) conditions: &'a Conditions,
    /// Of an answer that may be kept.
    pub(crate) tag: Option<Tag>,
    /// When the request came in.
    pub(crate) began: Instant,
}

impl Rendering<'_> {
    /// The tag of the answer that the caller has already, in the coding that it has.
    pub(crate) fn known(&self) -> Option<HeaderValue> {
        let (tag, known) = self.tag.as_ref().zip(self.conditions.if_none_match.as_deref())?;
        tag.named_in(known)
    }

    /// The same for an answer that there is: `*` stands for any.
    pub(crate) fn known_or_any(&self) -> Option<HeaderValue> {
        let any = self.tag.as_ref().filter(|_| self.conditions.is_any()).map(Tag::to_header);
        any.or_else(|| self.known())
    }

    /// The response: 202 if pending; else 200, or 206 for a part of the digits.
    pub(crate) async fn render(self, computation: Computation) -> Result<Response, Failure> {
        let id = computation.request_id;
        let computation = self.view.of(computation).await.map_err(Failure::of(id))?;
        let is_pending = computation.is_pending();
        let cache = computation.cache_status.map(HeaderValue::from_static);
        let timing = timing(&computation, self.began);
        let mut response = self.body(computation)?;
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID, id_header(id));
        headers.insert(header::VARY, VARY);
        headers.extend(cache.map(|status| (CACHE_STATUS, status)));
        headers.extend(timing.map(|timing| (SERVER_TIMING, timing)));
        match self.tag {
            Some(tag) if !is_pending => {
                headers.insert(header::ETAG, tag.to_header());
                headers.insert(header::CACHE_CONTROL, FOR_EVER);
            }
            _ => {
                headers.insert(header::CACHE_CONTROL, NO_STORE);
            }
        }
        if is_pending {
            promise(&mut response, id);
        }
        Ok(response)
    }

    fn body(&self, computation: Computation) -> Result<Response, Failure> {
        let id = computation.request_id;
        match computation.result {
            Some(result) if self.format == Format::Text => {
                self.digits(result.result.into()).map_err(Failure::of(id))
            }
            _ => Ok(([(header::CONTENT_TYPE, JSON)], computation.to_json()).into_response()),
        }
    }

    /// The bare digits, or the part of them that is asked for.
    fn digits(&self, digits: Bytes) -> Result<Response, Error> {
        let headers = [(header::CONTENT_TYPE, TEXT), (header::ACCEPT_RANGES, BYTES)];
        let len = digits.len();
        match self.part(len) {
            Asked::Whole => Ok((headers, digits).into_response()),
            Asked::Nothing => Err(Error::NoSuchRange { len }),
            Asked::Part(part) => {
                let place = format!("bytes {}-{}/{len}", part.start, part.end - 1);
                let place = [(header::CONTENT_RANGE, place)];
                Ok((StatusCode::PARTIAL_CONTENT, headers, place, digits.slice(part))
                    .into_response())
            }
        }
    }

    /// A range is served of what may be kept, and if it is still what the caller has a part of.
    fn part(&self, len: usize) -> Asked {
        let Conditions { range, if_range, .. } = self.conditions;
        let (Some(range), Some(tag)) = (range, &self.tag) else { return Asked::Whole };
        let is_same = if_range.as_deref().is_none_or(|named| tag.is_exactly(named));
        if is_same { range::read(range, len) } else { Asked::Whole }
    }
}

/// The caller has it already.
pub(crate) fn not_modified(tag: HeaderValue) -> Response {
    let headers = [(header::ETAG, tag), (header::CACHE_CONTROL, FOR_EVER), (header::VARY, VARY)];
    (StatusCode::NOT_MODIFIED, headers).into_response()
}

/// Says where and when to look.
fn promise(response: &mut Response, id: Uuid) {
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    let location = format!("{LOCATION}{id}").parse().ok();
    headers.extend(location.map(|location| (header::LOCATION, location)));
}

/// How long it was computed, and how long all took, in milliseconds.
fn timing(computation: &Computation, began: Instant) -> Option<HeaderValue> {
    let total = began.elapsed().as_micros();
    let (millis, rest) = (total / 1000, total % 1000);
    let text = match &computation.completion {
        Some(completion) => {
            let micros = completion.compute_micros;
            let (computing, part) = (micros / 1000, micros % 1000);
            format!("compute;dur={computing}.{part:03}, total;dur={millis}.{rest:03}")
        }
        None => format!("total;dur={millis}.{rest:03}"),
    };
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests;
