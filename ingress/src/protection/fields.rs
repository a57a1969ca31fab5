//! `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11): what a caller may
//! use, and what is left of it.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::limiter::Standing;
use super::quota::Quota;

pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A policy as callers are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(super) name: &'static str,
    value: HeaderValue,
}

impl Policy {
    /// A quota of `unit`s.
    pub(super) fn new(name: &'static str, quota: Quota, unit: &str) -> Self {
        let seconds = whole_seconds(quota.window());
        Self::of(name, &format!("q={};w={seconds};qu=\"{unit}\"", quota.units()))
    }

    /// So many requests at a time.
    pub(super) fn concurrent(name: &'static str, most: u64) -> Self {
        Self::of(name, &format!("q={most};qu=\"concurrent-requests\""))
    }

    fn of(name: &'static str, parameters: &str) -> Self {
        let value = HeaderValue::try_from(format!("\"{name}\";{parameters}"));
        Self { name, value: value.unwrap_or(HeaderValue::from_static("invalid")) }
    }

    /// Both fields are lists: this adds a member to each.
    pub(super) fn write(&self, standing: Standing, headers: &mut HeaderMap) {
        let seconds = whole_seconds(standing.after);
        let rate_limit = format!("\"{}\";r={};t={seconds}", self.name, standing.left);
        headers.append(RATE_LIMIT_POLICY, self.value.clone());
        if let Ok(rate_limit) = HeaderValue::try_from(rate_limit) {
            headers.append(RATE_LIMIT, rate_limit);
        }
    }
}

/// Sets `Retry-After`, at least a second.
pub(super) fn retry_after(after: Duration, headers: &mut HeaderMap) {
    headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(after).max(1)));
}

/// Rounded up: who comes back then is not too early.
pub(super) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_structured_and_whole_numbers() {
        let quota = Quota::new(600, Duration::from_mins(1)).unwrap();
        let policy = Policy::new("compute", quota, "cost-units");
        let mut headers = HeaderMap::new();
        policy.write(Standing { left: 599, after: Duration::from_millis(100) }, &mut headers);
        retry_after(Duration::ZERO, &mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"compute\";q=600;w=60;qu=\"cost-units\"");
        assert_eq!(headers["ratelimit"], "\"compute\";r=599;t=1");
        assert_eq!(headers["retry-after"], "1");
    }
}
