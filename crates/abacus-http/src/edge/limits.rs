//! Limits of a request's head.

use abacus_runtime::{ByteSize, Config, Environment};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};

/// Bytes of a header line besides name and value: `: ` and the end of the line.
const PUNCTUATION: usize = 4;

/// Smallest buffer accepted by hyper, in bytes.
const SMALLEST_BUFFER: usize = 8 * 1024;

/// Limits of a request's head, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    max_url: u64,
    max_headers: u64,
}

/// A part of the head above the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLarge {
    /// Path and query have more than `limit` bytes.
    Url {
        /// Largest allowed number of bytes.
        limit: u64,
    },
    /// The headers have more than `limit` bytes.
    Headers {
        /// Largest allowed number of bytes.
        limit: u64,
    },
}

impl Config for HeadLimits {
    fn read(env: &mut Environment) -> Self {
        let max_url: ByteSize = env.get(
            "ABACUS_MAX_URL",
            "32KiB",
            "Longest path and query; longer ones are answered 414",
        );
        let max_headers: ByteSize = env.get(
            "ABACUS_MAX_HEADERS",
            "32KiB",
            "Largest request headers; larger ones are answered 431",
        );
        Self { max_url: max_url.as_u64(), max_headers: max_headers.as_u64() }
    }
}

impl HeadLimits {
    /// Checks the head of a request.
    pub fn check(self, request: &Request) -> Result<(), TooLarge> {
        let url = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
        if length(url) > self.max_url {
            return Err(TooLarge::Url { limit: self.max_url });
        }
        let size = |(name, value): (&HeaderName, &HeaderValue)| {
            name.as_str().len() + value.len() + PUNCTUATION
        };
        if length(request.headers().iter().map(size).sum()) > self.max_headers {
            return Err(TooLarge::Headers { limit: self.max_headers });
        }
        Ok(())
    }

    /// Buffer for a head, in bytes: twice the limits. A head slightly above the limits still gets a
    /// problem document.
    pub(crate) fn largest_head(self) -> usize {
        let limits = self.max_url.saturating_add(self.max_headers);
        usize::try_from(limits.saturating_mul(2)).unwrap_or(usize::MAX).max(SMALLEST_BUFFER)
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn limits(url: &str, headers: &str) -> HeadLimits {
        let pairs = [("ABACUS_MAX_URL", url), ("ABACUS_MAX_HEADERS", headers)];
        let mut env = Environment::from_pairs(pairs);
        let limits = HeadLimits::read(&mut env);
        env.finish().unwrap();
        limits
    }

    #[test]
    fn path_and_query_count_together_and_headers_with_their_punctuation() {
        let request = Request::get("/a?b=c").header("name", "value").body(Body::empty()).unwrap();
        for (url, headers, expected) in [
            ("6B", "13B", Ok(())),
            ("5B", "13B", Err(TooLarge::Url { limit: 5 })),
            ("6B", "12B", Err(TooLarge::Headers { limit: 12 })),
        ] {
            assert_eq!(limits(url, headers).check(&request), expected, "{url} {headers}");
        }
    }

    #[test]
    fn the_buffer_for_a_head_has_space_beyond_the_limits() {
        assert_eq!(limits("32KiB", "32KiB").largest_head(), 128 * 1024);
        assert_eq!(limits("1B", "1B").largest_head(), SMALLEST_BUFFER);
    }
}
