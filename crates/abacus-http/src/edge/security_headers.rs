//! Security headers for browsers (OWASP Secure Headers).
//!
//! The defaults are the strictest values, and fit answers of data. A handler of a page sets another
//! policy; the defaults do not replace a handler's value.

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

/// Settings of the security headers.
#[derive(Clone, Debug)]
pub struct HeadersConfig {
    hsts: Duration,
}

impl Config for HeadersConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            hsts: env.get(
                "ABACUS_HSTS",
                "0s",
                "How long browsers must use HTTPS only, where a proxy offers HTTPS; 0s for no such demand",
            ),
        }
    }
}

/// The security headers of every answer.
#[derive(Clone, Debug)]
pub struct SecurityHeaders {
    all: Vec<(HeaderName, HeaderValue)>,
}

impl SecurityHeaders {
    /// The headers for these settings.
    pub fn new(config: &HeadersConfig) -> Self {
        let mut all = ALWAYS.to_vec();
        let hsts = HeaderValue::try_from(format!("max-age={}", config.hsts.as_secs()));
        if let Ok(hsts) = hsts
            && config.hsts > Duration::ZERO
        {
            all.push((header::STRICT_TRANSPORT_SECURITY, hsts));
        }
        Self { all }
    }

    /// Adds the headers missing in the answer.
    pub fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.all {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}
