//! `Prefer` and `Preference-Applied` (RFC 7240): the wait for a result.
//!
//! Preferences are wishes. Unknown, malformed and repeated preferences are ignored;
//! `Preference-Applied` names the honoured preferences.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::structured::{split_unquoted, unquote};

/// The request header.
pub const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The response header.
pub const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The supported preferences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Answer as soon as the request is accepted.
    pub respond_async: bool,
    /// Longest wait, in seconds.
    pub wait: Option<u64>,
}

impl Preferences {
    /// Reads all `Prefer` headers.
    pub fn read(headers: &HeaderMap) -> Self {
        let mut preferences = Self::default();
        for value in headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok()) {
            for preference in split_unquoted(value, ',') {
                preferences.take(preference);
            }
        }
        preferences
    }

    fn take(&mut self, preference: &str) {
        let preference = split_unquoted(preference, ';').next().unwrap_or_default();
        let (name, value) = match preference.split_once('=') {
            Some((name, value)) => (name.trim(), unquote(value.trim())),
            None => (preference.trim(), String::new()),
        };
        if name.eq_ignore_ascii_case("respond-async") && value.is_empty() {
            self.respond_async = true;
        } else if name.eq_ignore_ascii_case("wait") && self.wait.is_none() {
            self.wait = seconds(&value);
        }
    }

    /// Replaces the header's wait by the wait of the URL, if given. The URL has precedence.
    #[must_use]
    pub fn with_wait(self, wait: Option<u64>) -> Self {
        Self { wait: wait.or(self.wait), ..self }
    }

    /// Returns the wait for a new request. `longest` is the longest wait, and the default.
    pub fn max_wait(self, longest: Duration) -> Duration {
        match self.wait {
            Some(seconds) => Duration::from_secs(seconds).min(longest),
            None if self.respond_async => Duration::ZERO,
            None => longest,
        }
    }

    /// Returns the wait for an earlier request: zero without a preference.
    pub fn poll_wait(self, longest: Duration) -> Duration {
        self.wait.map_or(Duration::ZERO, |seconds| Duration::from_secs(seconds).min(longest))
    }

    /// Returns the honoured preferences, for a pending or a final answer; `None` without any.
    pub fn applied(self, longest: Duration, is_pending: bool) -> Option<HeaderValue> {
        let seconds = self.wait.map(|seconds| seconds.min(longest.as_secs()));
        let wait = seconds.filter(|seconds| *seconds > 0 || self.wait == Some(0));
        let text = match (self.respond_async && is_pending, wait) {
            (true, Some(seconds)) => format!("respond-async, wait={seconds}"),
            (true, None) => return Some(HeaderValue::from_static("respond-async")),
            (false, Some(seconds)) => format!("wait={seconds}"),
            (false, None) => return None,
        };
        HeaderValue::from_str(&text).ok()
    }
}

/// Reads delta-seconds (RFC 9110, section 10.2.3). A number beyond 64 bits is the largest number.
pub fn seconds(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(30);

    fn read(values: &[&str]) -> Preferences {
        let headers = values.iter().map(|value| (PREFER, value.parse().unwrap()));
        Preferences::read(&headers.collect())
    }

    fn wish(respond_async: bool, wait: Option<u64>) -> Preferences {
        Preferences { respond_async, wait }
    }

    #[test]
    fn wishes_are_read_from_lists_and_from_several_headers() {
        assert_eq!(read(&[]), wish(false, None));
        for values in [
            &["respond-async, wait=10"][..],
            &["Respond-Async", "WAIT = 10"],
            &["return=minimal; foo=\"a,b;c\", wait=\"10\"; x", ",,respond-async;y=1"],
            &["wait=10, wait=20", "respond-async, respond-async"],
        ] {
            assert_eq!(read(values), wish(true, Some(10)), "{values:?}");
        }
    }

    #[test]
    fn what_is_unknown_or_malformed_is_passed_over() {
        for value in ["wait", "wait=", "wait=-1", "wait=1.5", "wait=soon", "handling=strict", "="] {
            assert_eq!(read(&[value]), wish(false, None), "{value}");
        }
        assert_eq!(read(&["wait=soon, wait=4"]).wait, Some(4));
        assert_eq!(read(&["foo=\"respond-async, wait=3\""]), wish(false, None));
        assert_eq!(read(&["wait=99999999999999999999999"]).wait, Some(u64::MAX));
    }

    #[test]
    fn a_wait_is_bounded_and_the_bound_is_told() {
        for (wish, seconds, applied) in [
            (wish(false, None), 30, None),
            (wish(true, None), 0, Some("respond-async")),
            (wish(false, Some(5)), 5, Some("wait=5")),
            (wish(false, Some(0)), 0, Some("wait=0")),
            (wish(true, Some(500)), 30, Some("respond-async, wait=30")),
        ] {
            assert_eq!(wish.max_wait(LONGEST), Duration::from_secs(seconds), "{wish:?}");
            let told = wish.applied(LONGEST, true);
            assert_eq!(told.as_ref().map(|value| value.to_str().unwrap()), applied);
        }
        // The answer came in time, not asynchronously.
        assert_eq!(wish(true, None).applied(LONGEST, false), None);
        assert_eq!(wish(true, Some(2)).applied(LONGEST, false).unwrap(), "wait=2");
        // Whole seconds cannot express a wait of half a second.
        assert_eq!(wish(false, Some(5)).applied(Duration::from_millis(500), false), None);
    }

    #[test]
    fn a_look_up_waits_only_if_asked() {
        assert_eq!(wish(false, None).poll_wait(LONGEST), Duration::ZERO);
        assert_eq!(wish(true, None).poll_wait(LONGEST), Duration::ZERO);
        assert_eq!(
            wish(false, None).with_wait(Some(7)).poll_wait(LONGEST),
            LONGEST.min(Duration::from_secs(7))
        );
    }
}
