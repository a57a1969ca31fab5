//! `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11), and `Retry-After`.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Remaining quota of each policy.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The policies.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A policy, as announced to callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    name: &'static str,
    value: HeaderValue,
}

impl Policy {
    /// A quota of `quota` units in each `window`.
    pub fn new(name: &'static str, quota: u64, window: Duration, unit: &str) -> Self {
        let seconds = whole_seconds(window);
        Self::of(name, &format!("q={quota};w={seconds};qu=\"{unit}\""))
    }

    /// A limit of concurrent requests.
    pub fn concurrent(name: &'static str, most: u64) -> Self {
        Self::of(name, &format!("q={most};qu=\"concurrent-requests\""))
    }

    fn of(name: &'static str, parameters: &str) -> Self {
        let value = HeaderValue::try_from(format!("\"{name}\";{parameters}"));
        Self { name, value: value.unwrap_or(HeaderValue::from_static("invalid")) }
    }

    /// Name of the policy.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Adds a member to each of the two list fields: the policy, and the units remaining until the
    /// reset.
    pub fn write(&self, remaining: u64, reset_after: Duration, headers: &mut HeaderMap) {
        let seconds = whole_seconds(reset_after);
        let rate_limit = format!("\"{}\";r={remaining};t={seconds}", self.name);
        headers.append(RATE_LIMIT_POLICY, self.value.clone());
        if let Ok(rate_limit) = HeaderValue::try_from(rate_limit) {
            headers.append(RATE_LIMIT, rate_limit);
        }
    }
}

/// Sets `Retry-After`, to at least a second.
pub fn retry_after(after: Duration, headers: &mut HeaderMap) {
    headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(after).max(1)));
}

/// Rounds up to whole seconds: a caller returning after this time is not too early.
pub fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_structured_and_whole_numbers() {
        let policy = Policy::new("compute", 600, Duration::from_mins(1), "cost-units");
        let mut headers = HeaderMap::new();
        policy.write(599, Duration::from_millis(100), &mut headers);
        retry_after(Duration::ZERO, &mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"compute\";q=600;w=60;qu=\"cost-units\"");
        assert_eq!(headers["ratelimit"], "\"compute\";r=599;t=1");
        assert_eq!(headers["retry-after"], "1");
    }
}
