//! `/docs`: Swagger UI for the `OpenAPI` document. Its files are part of the program, so that the page works offline; its
//! content security policy forbids other hosts.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa_swagger_ui::Config;

use super::document;
use crate::api::path::{TextPath, read_path};
use crate::api::state::Shared;
use crate::problems::{Error, Failure};

/// Scripts and requests stay on this host. Swagger UI sets styles by attributes and has icons as data.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);
/// The files change with the program only.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The page and its files.
pub(super) fn routes() -> Router<Shared> {
    let config = Arc::new(config());
    let page = Arc::clone(&config);
    Router::new()
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(move || async move { file("", &page) }))
        .route(
            "/docs/{*file}",
            get(move |path: TextPath| async move { file(&read_path(path)?, &config) }),
        )
}

/// Swagger UI forgets tokens when the page closes.
fn config() -> Config<'static> {
    Config::new([document::PATH])
        .persist_authorization(false)
        .try_it_out_enabled(true)
        .display_request_duration(true)
        .default_models_expand_depth(0)
        .doc_expansion("list")
        .validator_url("none")
        // The bar for other documents is left out: the policy forbids them.
        .use_base_layout()
}

fn file(path: &str, config: &Arc<Config<'static>>) -> Result<Response, Failure> {
    let found = utoipa_swagger_ui::serve(path, Arc::clone(config));
    let file = found.ok().flatten().ok_or_else(|| Error::NoSuchPath {
        hint: "there is no such file; `/docs/` is the API's description".to_owned(),
    })?;
    let kind = HeaderValue::try_from(file.content_type);
    let headers = [
        (header::CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("text/plain"))),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, CACHE),
    ];
    Ok((headers, file.bytes.into_owned()).into_response())
}
