//! Web pages of other sites that may use the API: none but those on the list (the Fetch standard,
//! CORS). No cookies are involved, so no credentials are allowed for.

use std::time::Duration;

use abacus_runtime::Setting;
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use tower_http::cors::CorsLayer;

use super::fields::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::problem::X_REQUEST_ID;

const MAX_AGE: Duration = Duration::from_mins(10);

const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// `https://app.example`: scheme, host and port, and nothing behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin(HeaderValue);

impl Setting for Origin {
    fn parse(text: &str) -> Result<Self, String> {
        let expected =
            || "expected an origin such as `https://app.example`, without a path".to_owned();
        let uri: Uri = text.parse().map_err(|_| expected())?;
        let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(expected());
        };
        let origin = format!("{}://{authority}", uri.scheme_str().unwrap_or_default());
        let is_bare = origin == text && !authority.as_str().contains(['@', '*']);
        let value = HeaderValue::try_from(origin).ok().filter(|_| is_bare);
        value.map(Self).ok_or_else(expected)
    }
}

/// Answers the browsers' questions; nothing where no site is on the list.
pub(super) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().map(|origin| origin.0.clone()).collect();
    let layer = || {
        CorsLayer::new()
            .allow_origin(origins.clone())
            .allow_methods(METHODS)
            .allow_headers(request_headers())
            .expose_headers(response_headers())
            .max_age(MAX_AGE)
    };
    (!origins.is_empty()).then(layer)
}

fn request_headers() -> [HeaderName; 12] {
    [
        header::ACCEPT,
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_NONE_MATCH,
        header::IF_RANGE,
        header::RANGE,
        named("idempotency-key"),
        named("last-event-id"),
        named("prefer"),
        named("traceparent"),
        named("tracestate"),
        named(X_REQUEST_ID),
    ]
}

/// Beyond those that any page may see.
fn response_headers() -> [HeaderName; 17] {
    [
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
        named("cache-status"),
        named("idempotency-expires"),
        named("idempotency-replayed"),
        named("preference-applied"),
        named("server-timing"),
        named("traceparent"),
        named(X_REQUEST_ID),
    ]
}

fn named(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        for text in ["https://app.example", "http://localhost:3000", "https://[::1]:8443"] {
            assert_eq!(Origin::parse(text).unwrap().0, text);
        }
        for text in ["*", "app.example", "https://app.example/", "ftp://x", "https://*.example"] {
            assert!(Origin::parse(text).unwrap_err().contains("an origin"), "{text}");
        }
    }
}
