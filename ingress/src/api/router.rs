//! All routes, and the middleware around the routes. The routes of each operation come from the
//! operation's declaration in the registry.

use std::any::Any;
use std::time::Instant;

use abacus_http::edge::body_guard::hold_body_until_written;
use abacus_http::fields::coding;
use abacus_http::server::close_connection;
use abacus_operations::Operation;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::RequestLedger;
use super::guard::guard;
use super::state::Shared;
use super::{accounts, batch, catalog, compute, docs, events, history, lookup};
use crate::problems::{Error, Failure, types};
use crate::quotas::Ledger;

/// Prefixes of the operations' paths: with the version, and without.
const PREFIXES: [&str; 2] = ["/v1", ""];

/// Returns the router of the service: all routes, with the middleware.
pub(crate) fn router(state: Shared) -> Router {
    let max_body = usize::try_from(state.max_body).unwrap_or(usize::MAX);
    let (router, api) = described().split_for_parts();
    let router = router
        .merge(docs::routes(api))
        .fallback(no_such_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(max_body))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), guard));
    let router = match state.edge.cors() {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(from_fn_with_state(state.clone(), finish_answer)).with_state(state)
}

/// Returns all routes of the API, with their descriptions.
pub(super) fn described() -> OpenApiRouter<Shared> {
    let api = OpenApiRouter::with_openapi(docs::base());
    let operations = abacus_operations::all().iter().copied();
    operations
        .fold(api, with_operation)
        .routes(routes!(compute::by_body))
        .routes(routes!(batch::run))
        .routes(routes!(lookup::show))
        .routes(routes!(events::stream))
        .merge(history::routes())
        .merge(accounts::routes())
        .routes(routes!(catalog::list))
        .merge(docs::pages())
}

fn with_operation(
    router: OpenApiRouter<Shared>,
    operation: &'static dyn Operation,
) -> OpenApiRouter<Shared> {
    PREFIXES.iter().fold(router, |router, prefix| {
        let by_path =
            get(move |state, call, operands| compute::by_path(operation, state, call, operands));
        let by_query =
            get(move |state, call, query| compute::by_query(operation, state, call, query));
        if operation.is_documented() {
            let path = docs::by_path::<compute::__path_by_path>(operation, prefix);
            let query = docs::by_query::<compute::__path_by_query>(operation, prefix);
            return router.routes((vec![], path, by_path)).routes((vec![], query, by_query));
        }
        let query = format!("{prefix}/{}", operation.name());
        let path = format!("{query}{}", catalog::operand_path(operation));
        router.route(&path, by_path).route(&query, by_query)
    })
}

/// Finishes every answer: writes the remaining quotas, counts the answer in the metrics, counts the
/// body as memory until written, compresses a long body, and closes the connection at a shutdown.
async fn finish_answer(State(state): State<Shared>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let ledger = Ledger::default();
    request.extensions_mut().insert(RequestLedger(ledger.clone()));
    let accepted = request.headers().get(header::ACCEPT_ENCODING).cloned();
    let mut response = next.run(request).await;
    let charges = ledger.take();
    state.quotas.write_statuses(&charges, response.headers_mut());
    state.metrics.count_answer(&response, began.elapsed());
    let response = coding::encode(response, accepted).await;
    let mut response = hold_body_until_written(response, charges.permits);
    if state.stopping.is_requested() {
        close_connection(&mut response);
    }
    response
}

async fn no_such_path(request: Request) -> Failure {
    let path = request.uri().path();
    let name = path.strip_prefix("/v1").unwrap_or(path).split('/').find(|part| !part.is_empty());
    let hint = match name.and_then(abacus_operations::find) {
        Some(operation) => format!(
            "the path of {} is `{}`, without a slash at the end",
            operation.name(),
            catalog::path(operation)
        ),
        None => "this path does not exist; `/v1/operations` lists the operations with their paths"
            .to_owned(),
    };
    Error::new(types::requests::NO_SUCH_PATH, hint).into()
}

async fn method_not_allowed(request: Request) -> Failure {
    let detail = format!(
        "this resource does not support {}; the `Allow` header lists the supported methods",
        request.method()
    );
    Error::new(types::requests::METHOD_NOT_ALLOWED, detail).into()
}

/// Answers a request after a panic of the handler. The panic hook of the process logs the panic.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    let detail = "the server failed during this request";
    Failure::from(Error::new(types::service::INTERNAL, detail)).into_response()
}

#[cfg(test)]
mod tests;
