//! What holds for all requests and answers, whatever they are about: limits of size and time, the
//! headers that keep browsers safe, and an id to speak of them by.

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tower_http::cors::CorsLayer;
use uuid::Uuid;

use super::body::{Pace, TimedBody, Watch};
use super::config::ProtectionConfig;
use super::headers::SecurityHeaders;
use super::metrics::Metrics;
use super::{Error, cors};
use crate::problem::{Failure, X_REQUEST_ID, id_header};
use crate::server;
use crate::state::Shared;

const REQUEST_ID: HeaderName = HeaderName::from_static(X_REQUEST_ID);

/// In characters.
const LONGEST_ID: usize = 128;

/// What a header takes beside its name and value: `: ` and the end of the line.
const PUNCTUATION: usize = 4;

/// The limits, and the headers.
pub(crate) struct Guard {
    max_url: u64,
    max_headers: u64,
    pace: Pace,
    security: SecurityHeaders,
    cors: Option<CorsLayer>,
    metrics: Metrics,
}

impl Guard {
    pub(super) fn new(config: &ProtectionConfig, metrics: Metrics) -> Self {
        Self {
            max_url: config.max_url.as_u64(),
            max_headers: config.max_headers.as_u64(),
            pace: config.pace,
            security: SecurityHeaders::new(&config.headers),
            cors: cors::layer(&config.origins),
            metrics,
        }
    }

    /// What answers browsers that ask for other sites, if any may.
    pub(crate) fn cors(&self) -> Option<CorsLayer> {
        self.cors.clone()
    }

    fn check(&self, request: &Request) -> Result<(), Error> {
        let url = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
        if length(url) > self.max_url {
            return Err(Error::UrlTooLong { limit: self.max_url });
        }
        let size = |(name, value): (&HeaderName, &HeaderValue)| {
            name.as_str().len() + value.len() + PUNCTUATION
        };
        if length(request.headers().iter().map(size).sum()) > self.max_headers {
            return Err(Error::HeadersTooLarge { limit: self.max_headers });
        }
        Ok(())
    }

    /// Watches over the body, if there is one.
    fn watch(&self, request: Request) -> (Request, Option<Watch>) {
        if request.body().is_end_stream() {
            return (request, None);
        }
        let (parts, body) = request.into_parts();
        let (body, watch) = TimedBody::new(body, self.pace);
        (Request::from_parts(parts, Body::new(body)), Some(watch))
    }

    /// A body that came too slowly is what the answer is about, whatever the handler made of it. What
    /// is left of a body stands in the way of the next request, so the connection ends.
    fn judge_body(&self, watch: &Watch, response: Response) -> Response {
        let mut response = if watch.is_too_slow() {
            self.metrics.slow_bodies.inc();
            refuse(Error::BodyTooSlow)
        } else {
            response
        };
        if !watch.is_read() {
            server::say_goodbye(&mut response);
        }
        response
    }
}

/// Guards one request and its answer.
pub(crate) async fn guard(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let guard = state.protection.guard();
    let id = request_id(request.headers());
    let checked = guard.check(&request);
    let (request, watch) = guard.watch(request);
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(error) => refuse(error),
    };
    if let Some(watch) = watch {
        response = guard.judge_body(&watch, response);
    }
    guard.security.write(response.headers_mut());
    // A computation has an id of its own, by which it is found again.
    response.headers_mut().entry(REQUEST_ID).or_insert_with(|| id.unwrap_or_else(new_id));
    response
}

fn refuse(error: Error) -> Response {
    Failure::from(error).into_response()
}

/// The caller's own, if it can go into logs and headers as it is.
fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    let id = headers.get(REQUEST_ID)?;
    let is_well_formed = (1..=LONGEST_ID).contains(&id.len()) && id.as_bytes().iter().all(is_plain);
    is_well_formed.then(|| id.clone())
}

fn new_id() -> HeaderValue {
    id_header(Uuid::now_v7())
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(id: &str) -> bool {
        let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(id).unwrap())]);
        request_id(&headers).is_some()
    }

    #[test]
    fn an_id_is_taken_over_only_if_it_is_harmless() {
        for id in ["a", "01890a5d-ac96-774b-bcce-b302099a8057", "Root=1-67891233/abc+="] {
            assert!(taken(id), "{id}");
        }
        for id in ["", "a b", "\"a\"", "<a>", "a,b", "{}", &"x".repeat(LONGEST_ID + 1)] {
            assert!(!taken(id), "{id}");
        }
    }
}
