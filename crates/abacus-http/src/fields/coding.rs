//! Content codings of responses: gzip and zstd, for long bodies. Short bodies pass unchanged.

use std::convert::Infallible;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use tower::{ServiceExt as _, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::Compression;

/// Suffixes of an entity tag, added by the content codings.
pub const CODED_TAG_SUFFIXES: [&str; 2] = ["-gzip", "-zstd"];

/// Smallest body worth compressing, in bytes.
const WORTHWHILE: u64 = 1024;

/// Compresses a long response in a coding of `accept_encoding`, piece by piece while the body is
/// sent.
pub async fn encode(response: Response, accept_encoding: Option<HeaderValue>) -> Response {
    let Some(accepted) = accept_encoding else { return response };
    if response.body().size_hint().lower() < WORTHWHILE {
        return response;
    }
    let status = response.status();
    let mut request = Request::new(Body::empty());
    request.headers_mut().insert(header::ACCEPT_ENCODING, accepted);
    let mut response = Some(response);
    let answer = service_fn(|_: Request| {
        let response = response.take().unwrap_or_default();
        async move { Ok::<_, Infallible>(response) }
    });
    // Digits need only entropy coding; the fastest level does this as well.
    let compression = Compression::new(answer).quality(CompressionLevel::Fastest);
    let Ok(mut encoded) = compression.oneshot(request).await;
    // A client may accept no coding at all, not even `identity`. The answer is then the plain body
    // (RFC 9110, section 12.5.3), not a cacheable refusal with the whole body.
    *encoded.status_mut() = status;
    tagged(encoded.map(Body::new))
}

/// Changes the tag of a compressed body, because the bytes differ.
fn tagged(mut response: Response) -> Response {
    let headers = response.headers();
    let coding = headers.get(header::CONTENT_ENCODING).and_then(|coding| coding.to_str().ok());
    let tag = match (headers.get(header::ETAG), coding) {
        (Some(tag), Some(coding)) => tag_in_coding(tag, coding),
        _ => None,
    };
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Returns the strong tag of a body in a content coding; `None` for a weak tag, because weak tags
/// need no change.
pub fn tag_in_coding(tag: &HeaderValue, coding: &str) -> Option<HeaderValue> {
    let tag = tag.to_str().ok().filter(|tag| !tag.starts_with("W/"))?;
    HeaderValue::from_str(&format!("{}-{coding}\"", tag.strip_suffix('"')?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_takes_no_coding_at_all_gets_the_answer_without_one() {
        for accepted in ["identity;q=0", "*;q=0", "br, identity;q=0"] {
            let response = Response::new(Body::from("1".repeat(4096)));
            let encoded = encode(response, Some(HeaderValue::from_static(accepted))).await;
            assert_eq!(encoded.status(), 200, "{accepted}");
            assert_eq!(encoded.headers().get(header::CONTENT_ENCODING), None, "{accepted}");
            assert_eq!(encoded.body().size_hint().exact(), Some(4096), "{accepted}");
        }
    }
}
