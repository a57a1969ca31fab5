//! Headers that keep browsers from making more of an answer than it is (OWASP Secure Headers).
//!
//! They are set where a handler has not set its own: the strictest there is fits the API's answers,
//! which are data; pages that want scripts and styles say so themselves.

use std::time::Duration;

use abacus_runtime::{Config, Environment};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

const ALWAYS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin")),
    (CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
];

/// What of it depends on where the service runs.
#[derive(Clone, Debug)]
pub(crate) struct HeadersConfig {
    hsts: Duration,
}

impl Config for HeadersConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            hsts: env.get(
                "ABACUS_HSTS",
                "0s",
                "How long browsers are to use HTTPS only, where a proxy offers it; 0s for no such demand",
            ),
        }
    }
}

/// Sets what is missing.
#[derive(Clone, Debug)]
pub(super) struct SecurityHeaders {
    all: Vec<(HeaderName, HeaderValue)>,
}

impl SecurityHeaders {
    pub(super) fn new(config: &HeadersConfig) -> Self {
        let mut all = ALWAYS.to_vec();
        let hsts = HeaderValue::try_from(format!("max-age={}", config.hsts.as_secs()));
        if let Ok(hsts) = hsts
            && config.hsts > Duration::ZERO
        {
            all.push((header::STRICT_TRANSPORT_SECURITY, hsts));
        }
        Self { all }
    }

    pub(super) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.all {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}
