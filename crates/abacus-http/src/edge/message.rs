//! Rules of HTTP/1.1 for the head of a request: `Host`, `Transfer-Encoding`, `Expect` and
//! `Content-Encoding`.
//!
//! The parser keeps further rules, and answers 400 without a problem document: a final transfer
//! coding other than `chunked`, a transfer coding in HTTP/1.0, and contradictory lengths. The parser
//! reads a body with `Transfer-Encoding` and `Content-Length` by the first field alone, and closes
//! the connection after the answer (RFC 9112, section 6.1).

use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Version, header};

use crate::fields::host::is_host;
use crate::fields::structured::list;

/// A broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// `Host` is missing, repeated or invalid, or the target names an invalid host (RFC 9112,
    /// section 3.2).
    Host,
    /// `Transfer-Encoding` has the coding `chunked` more than once, or an empty coding.
    TransferEncoding,
    /// `Transfer-Encoding` has a coding besides `chunked` (RFC 9112, section 6.1).
    TransferCoding,
    /// `Expect` has an expectation other than one `100-continue` (RFC 9110, section 10.1.1).
    Expectation,
    /// The body has a content coding other than `identity` (RFC 9110, section 8.4).
    ContentCoding,
}

/// Checks the rules, in the order of [`Violation`].
pub fn check(request: &Request) -> Result<(), Violation> {
    if !has_host(request) {
        return Err(Violation::Host);
    }
    let headers = request.headers();
    check_transfer_encoding(headers)?;
    let expected = list(headers, header::EXPECT).unwrap_or_default();
    if !expected.is_empty() && !expected.eq_ignore_ascii_case("100-continue") {
        return Err(Violation::Expectation);
    }
    if is_coded(headers) && !request.body().is_end_stream() {
        return Err(Violation::ContentCoding);
    }
    Ok(())
}

/// Returns `true` if the request names its host. HTTP/1.0 may leave out `Host`.
fn has_host(request: &Request) -> bool {
    let is_valid = |host: &HeaderValue| host.to_str().is_ok_and(is_host);
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let is_named = match (hosts.next(), hosts.next()) {
        (None, _) => request.version() < Version::HTTP_11,
        (Some(host), None) => is_valid(host),
        (Some(_), Some(_)) => false,
    };
    is_named && request.uri().authority().is_none_or(|authority| is_host(authority.as_str()))
}

fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), Violation> {
    let Some(codings) = list(headers, header::TRANSFER_ENCODING) else { return Ok(()) };
    let is_chunked = |coding: &str| coding.eq_ignore_ascii_case("chunked");
    if is_chunked(&codings) {
        return Ok(());
    }
    let is_known = |coding: &str| coding.is_empty() || is_chunked(coding);
    let is_malformed = codings.split(',').map(str::trim).all(is_known);
    Err(if is_malformed { Violation::TransferEncoding } else { Violation::TransferCoding })
}

/// Returns `true` for a `Content-Encoding` other than `identity`.
fn is_coded(headers: &HeaderMap) -> bool {
    let codings = list(headers, header::CONTENT_ENCODING).unwrap_or_default();
    let is_identity = |coding: &str| coding.is_empty() || coding.eq_ignore_ascii_case("identity");
    !codings.split(',').map(str::trim).all(is_identity)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    /// A request with a body, a host, and further fields. The values of a field are separated by `|`.
    fn request(target: &str, host: &str, (name, values): (&str, &str)) -> Request {
        let mut request = Request::post(target);
        let hosts = host.split('|').map(|host| ("host", host));
        for (name, value) in hosts.chain(values.split('|').map(|value| (name, value))) {
            request = request.header(name, value);
        }
        request.body(Body::from("{}")).unwrap()
    }

    fn check_host(version: Version, target: &str, host: &str) -> Result<(), Violation> {
        let mut request = request(target, host, ("accept", ""));
        *request.version_mut() = version;
        check(&request)
    }

    #[track_caller]
    fn assert_all(name: &str, lines: &[&str], expected: Result<(), Violation>) {
        for values in lines {
            assert_eq!(check(&request("/", "x", (name, values))), expected, "{name}: {values}");
        }
    }

    #[test]
    fn a_request_has_one_valid_host() {
        for host in ["x|x", "", "a b", "u@x", "é", "x:y"] {
            for version in [Version::HTTP_10, Version::HTTP_11] {
                assert_eq!(check_host(version, "/", host), Err(Violation::Host), "{host}");
            }
        }
        assert_eq!(check_host(Version::HTTP_11, "/", "x"), Ok(()));
        let mut missing = request("/", "x", ("accept", ""));
        missing.headers_mut().remove("host");
        assert_eq!(check(&missing), Err(Violation::Host));
        *missing.version_mut() = Version::HTTP_10;
        assert_eq!(check(&missing), Ok(()));
    }

    #[test]
    fn a_target_may_name_another_host_and_no_user() {
        let check = |target| check_host(Version::HTTP_11, target, "x");
        assert_eq!(check("http://abacus.example:8080/v1"), Ok(()));
        assert_eq!(check("http://ada@abacus.example/"), Err(Violation::Host));
    }

    #[test]
    fn chunked_once_is_the_only_transfer_coding() {
        let name = "transfer-encoding";
        assert_all(name, &["chunked", "Chunked"], Ok(()));
        let malformed = ["chunked, chunked", "chunked|chunked", ", chunked", ""];
        assert_all(name, &malformed, Err(Violation::TransferEncoding));
        let unknown = ["gzip, chunked", "gzip|chunked", "é, chunked", "identity", "chunked;q=1"];
        assert_all(name, &unknown, Err(Violation::TransferCoding));
    }

    #[test]
    fn a_continuation_is_the_only_expectation() {
        assert_all("expect", &["100-continue", "100-Continue", ""], Ok(()));
        let unknown = ["200-ok", "100-continue, x", "100-continue|x", "100-continue|", "é"];
        assert_all("expect", &unknown, Err(Violation::Expectation));
    }

    #[test]
    fn a_body_has_no_content_coding() {
        let name = "content-encoding";
        assert_all(name, &["identity", "Identity, identity", ""], Ok(()));
        let coded = ["gzip", "identity|br", "identity, gzip", "é"];
        assert_all(name, &coded, Err(Violation::ContentCoding));
        let empty = request("/", "x", (name, "gzip")).map(|_| Body::empty());
        assert_eq!(check(&empty), Ok(()));
    }
}
