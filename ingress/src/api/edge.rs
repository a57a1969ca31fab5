//! Limits and headers at the edge of the API: sizes, times, security headers, cross-origin rules.

use abacus_http::Metrics;
use abacus_http::edge::body_pace::{BodyWatch, Pace, TimedBody};
use abacus_http::edge::limits::{HeadLimits, TooLarge};
use abacus_http::edge::message::{self, Violation};
use abacus_http::edge::proxies::Proxies;
use abacus_http::edge::security_headers::SecurityHeaders;
use abacus_http::edge::{EdgeConfig, cors};
use abacus_http::fields::idempotency_key::{
    IDEMPOTENCY_EXPIRES, IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED,
};
use abacus_http::fields::prefer::{PREFER, PREFERENCE_APPLIED};
use abacus_http::fields::rate_limit::{RATE_LIMIT, RATE_LIMIT_POLICY};
use abacus_http::fields::request_id::REQUEST_ID;
use abacus_http::fields::traceparent::TRACEPARENT;
use abacus_http::server::close_connection;
use abacus_schemas::headers::TRACESTATE;
use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use tower_http::cors::CorsLayer;

use crate::problems::{Error, Failure, types};
use crate::representation::{CACHE_STATUS, SERVER_TIMING};

/// Header with the id of the last event received by a client of an event stream.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Limits and headers at the edge of the API.
pub(crate) struct Edge {
    proxies: Proxies,
    limits: HeadLimits,
    pace: Pace,
    security: SecurityHeaders,
    cors: Option<CorsLayer>,
    metrics: Metrics,
}

impl Edge {
    pub(crate) fn new(config: &EdgeConfig, metrics: Metrics) -> Self {
        Self {
            proxies: config.proxies.clone(),
            limits: config.limits,
            pace: config.pace,
            security: SecurityHeaders::new(&config.headers),
            cors: cors::layer(&config.origins, request_headers(), response_headers()),
            metrics,
        }
    }

    /// Returns the trusted proxies.
    pub(super) fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// Returns the layer for cross-origin requests, if the settings allow web sites to use the API.
    pub(super) fn cors(&self) -> Option<CorsLayer> {
        self.cors.clone()
    }

    /// Checks the sizes of the URL and the headers, and the rules of HTTP/1.1.
    pub(super) fn check(&self, request: &Request) -> Result<(), Error> {
        self.limits.check(request).map_err(|part| match part {
            TooLarge::Url { limit } => Error::UrlTooLong { limit },
            TooLarge::Headers { limit } => Error::HeadersTooLarge { limit },
        })?;
        message::check(request).map_err(refuse)
    }

    /// Adds the security headers to an answer.
    pub(super) fn secure(&self, response: &mut Response) {
        self.security.write(response.headers_mut());
    }

    /// Starts the time limits of the request's body.
    pub(super) fn watch(&self, request: Request) -> (Request, Option<BodyWatch>) {
        if request.body().is_end_stream() {
            return (request, None);
        }
        let (parts, body) = request.into_parts();
        let (body, watch) = TimedBody::new(body, self.pace);
        (Request::from_parts(parts, Body::new(body)), Some(watch))
    }

    /// Replaces the answer to a request with a slow body. Closes the connection after an unread
    /// body, because the rest of the body blocks the next request.
    pub(super) fn finish_body(&self, watch: &BodyWatch, response: Response) -> Response {
        let mut response = if watch.is_too_slow() {
            self.metrics.slow_bodies.inc();
            let detail =
                "the body did not arrive in time; send the body faster, or in smaller requests";
            Failure::from(Error::new(types::limits::BODY_TOO_SLOW, detail)).into_response()
        } else {
            response
        };
        if !watch.is_read() {
            close_connection(&mut response);
        }
        response
    }
}

/// Returns the error of a broken rule of HTTP/1.1.
fn refuse(violation: Violation) -> Error {
    let (problem, detail) = match violation {
        Violation::Host => (
            types::requests::INVALID_HOST,
            "the request needs one valid `Host`; send one, without a user",
        ),
        Violation::TransferEncoding => (
            types::requests::MALFORMED_TRANSFER_ENCODING,
            "`Transfer-Encoding` must be `chunked`, once; send no other list",
        ),
        Violation::TransferCoding => (
            types::requests::UNSUPPORTED_TRANSFER_CODING,
            "the only transfer coding is `chunked`; send the body without another coding",
        ),
        Violation::Expectation => (
            types::requests::UNKNOWN_EXPECTATION,
            "the only expectation is `100-continue`; send no other `Expect`",
        ),
        Violation::ContentCoding => (
            types::requests::UNSUPPORTED_CONTENT_CODING,
            "the body must have no content coding; send the body without `Content-Encoding`",
        ),
    };
    Error::new(problem, detail)
}

/// Returns the request headers allowed from cross-origin pages.
fn request_headers() -> Vec<HeaderName> {
    vec![
        header::ACCEPT,
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_RANGE,
        header::RANGE,
        IDEMPOTENCY_KEY,
        LAST_EVENT_ID,
        PREFER,
        TRACEPARENT,
        HeaderName::from_static(TRACESTATE),
        REQUEST_ID,
    ]
}

/// Returns the response headers readable by cross-origin pages, besides the safelisted headers.
fn response_headers() -> Vec<HeaderName> {
    vec![
        header::ACCEPT_ENCODING,
        header::ACCEPT_RANGES,
        header::CONTENT_RANGE,
        header::ALLOW,
        header::ETAG,
        header::LINK,
        header::LOCATION,
        header::RETRY_AFTER,
        header::WWW_AUTHENTICATE,
        RATE_LIMIT,
        RATE_LIMIT_POLICY,
        CACHE_STATUS,
        IDEMPOTENCY_EXPIRES,
        IDEMPOTENCY_REPLAYED,
        PREFERENCE_APPLIED,
        SERVER_TIMING,
        TRACEPARENT,
        REQUEST_ID,
    ]
}
