//! `/docs`: Swagger UI for the `OpenAPI` document. The files are part of the program, so the page
//! works offline. The content security policy forbids further hosts.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa_swagger_ui::Config;

use super::document;
use crate::api::path::{TextPath, read_path};
use crate::api::state::Shared;
use crate::problems::{Error, Failure, types};

/// Content security policy: scripts and requests stay on this host. Swagger UI sets styles by
/// attributes, and embeds icons as data.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);
/// Caching of the files. The files change only with the program.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Returns the routes of the page and of the files.
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

/// Returns the settings of Swagger UI. Tokens are forgotten when the page closes.
fn config() -> Config<'static> {
    Config::new([document::PATH])
        .persist_authorization(false)
        .try_it_out_enabled(true)
        .display_request_duration(true)
        .default_models_expand_depth(0)
        .doc_expansion("list")
        .validator_url("none")
        // Leaves out the bar for opening further documents, because the policy forbids further
        // documents.
        .use_base_layout()
}

fn file(path: &str, config: &Arc<Config<'static>>) -> Result<Response, Failure> {
    let found = utoipa_swagger_ui::serve(path, Arc::clone(config));
    let file = found.ok().flatten().ok_or_else(|| {
        let detail = "this file does not exist; `/docs/` describes the API";
        Error::new(types::requests::NO_SUCH_PATH, detail)
    })?;
    let kind = HeaderValue::try_from(file.content_type);
    let headers = [
        (header::CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("text/plain"))),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, CACHE),
    ];
    Ok((headers, file.bytes.into_owned()).into_response())
}
