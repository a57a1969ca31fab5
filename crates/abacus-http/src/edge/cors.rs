//! Cross-origin resource sharing (the Fetch standard): only pages of the listed sites may use the
//! API. Credentials are not allowed, because the API uses no cookies.

use std::time::Duration;

use abacus_runtime::Setting;
use axum::http::{HeaderName, HeaderValue, Method, Uri};
use tower_http::cors::CorsLayer;

const MAX_AGE: Duration = Duration::from_mins(10);

const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// An origin: scheme, host and port, for example `https://app.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

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

/// Makes the layer for preflight requests; `None` without a listed site. `allowed` are request
/// headers, `exposed` are response headers.
pub fn layer(
    origins: &[Origin],
    allowed: Vec<HeaderName>,
    exposed: Vec<HeaderName>,
) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().map(|origin| origin.0.clone()).collect();
    let layer = || {
        CorsLayer::new()
            .allow_origin(origins.clone())
            .allow_methods(METHODS)
            .allow_headers(allowed)
            .expose_headers(exposed)
            .max_age(MAX_AGE)
    };
    (!origins.is_empty()).then(layer)
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
