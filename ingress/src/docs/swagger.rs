//! `/docs`: Swagger UI over our document. Its files are part of the program, so it works without a
//! network; its policy keeps it from loading anything from elsewhere.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa_swagger_ui::Config;

use super::document;
use crate::error::Error;
use crate::problem::Failure;
use crate::state::Shared;

/// Scripts and requests stay here. Swagger UI sets styles by attributes and has icons as data.
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
            get(move |path: Result<Path<String>, PathRejection>| async move {
                let Path(path) =
                    path.map_err(|rejection| Error::MalformedUrl(rejection.body_text()))?;
                file(&path, &config)
            }),
        )
}

/// Tokens are forgotten with the page: it is no place to keep them.
fn config() -> Config<'static> {
    Config::new([document::PATH])
        .persist_authorization(false)
        .try_it_out_enabled(true)
        .display_request_duration(true)
        .default_models_expand_depth(0)
        .doc_expansion("list")
        .validator_url("none")
        // Without a bar to browse other documents with: the policy forbids them anyway.
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
