//! Content codings: gzip and zstd, for answers that are long enough to be worth it. Short ones, which
//! most are, pass by untouched.

use std::convert::Infallible;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use tower::{ServiceExt as _, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::Compression;

use super::tag::in_coding;

/// Less than this is not worth the work.
const WORTHWHILE: u64 = 1024;

/// The answer as `accept_encoding` takes it. Codings are made as the body is sent, piece by piece.
pub(crate) async fn encode(response: Response, accept_encoding: Option<HeaderValue>) -> Response {
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
    // Digits need entropy coding and nothing else, which the fastest level does as well.
    let compression = Compression::new(answer).quality(CompressionLevel::Fastest);
    let Ok(mut encoded) = compression.oneshot(request).await;
    // Whoever takes no coding at all, not even none, is given none (RFC 9110, section 12.5.3), rather
    // than a refusal that has all of the body and may be kept.
    *encoded.status_mut() = status;
    tagged(encoded.map(Body::new))
}

/// Other bytes have another tag.
fn tagged(mut response: Response) -> Response {
    let headers = response.headers();
    let coding = headers.get(header::CONTENT_ENCODING).and_then(|coding| coding.to_str().ok());
    let tag = match (headers.get(header::ETAG), coding) {
        (Some(tag), Some(coding)) => in_coding(tag, coding),
        _ => None,
    };
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
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
