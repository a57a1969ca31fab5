//! What is where. Every operation of the registry gets its routes by its own declaration: there is
//! nothing to add here for a new one.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use abacus_operations::Operation;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::error::Error;
use crate::problem::Failure;
use crate::state::Shared;
use crate::{catalog, compute, docs, history, identity, lookup, protection, server};

/// Operations are there with the version and, as people expect it, without.
const PREFIXES: [&str; 2] = ["/v1", ""];

/// All routes.
pub(crate) fn router(state: Shared) -> Router {
    let max_body = usize::try_from(state.max_body).unwrap_or(usize::MAX);
    let (described, api) =
        OpenApiRouter::new().merge(identity::routes()).merge(history::routes()).split_for_parts();
    let router = described
        .merge(docs::routes(api))
        .route("/v1/computations", post(compute::by_body))
        .route("/v1/computations/{id}", get(lookup::show))
        .route("/v1/operations", get(catalog::list));
    let router = abacus_operations::all()
        .iter()
        .fold(router, |router, operation| with_operation(router, *operation))
        .fallback(no_such_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(max_body))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(&state), protection::guard));
    let router = match state.protection.guard().cors() {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(from_fn_with_state(Arc::clone(&state), see_off)).with_state(state)
}

fn with_operation(router: Router<Shared>, operation: &'static dyn Operation) -> Router<Shared> {
    PREFIXES.iter().fold(router, |router, prefix| {
        let by_path =
            move |state, call, operands| compute::by_path(operation, state, call, operands);
        let by_query = move |state, call, query| compute::by_query(operation, state, call, query);
        let query = format!("{prefix}/{}", operation.name());
        let path = format!("{query}{}", catalog::operand_path(operation));
        router.route(&path, get(by_path)).route(&query, get(by_query))
    })
}

/// What is common to all answers: they are counted, and the last one of a connection says so.
async fn see_off(State(state): State<Shared>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let mut response = next.run(request).await;
    state.metrics.count_answer(&response, began.elapsed());
    if state.stopping.is_requested() {
        server::say_goodbye(&mut response);
    }
    response
}

async fn no_such_path(request: Request) -> Failure {
    let path = request.uri().path();
    let name = path.strip_prefix("/v1").unwrap_or(path).split('/').find(|part| !part.is_empty());
    let hint = match name.and_then(abacus_operations::find) {
        Some(operation) => format!(
            "{} is asked for as `{}`, without a slash at the end",
            operation.name(),
            catalog::path(operation)
        ),
        None => "there is nothing at this path; `/v1/operations` lists what can be computed, \
                 and where"
            .to_owned(),
    };
    Error::NoSuchPath { hint }.into()
}

async fn method_not_allowed(request: Request) -> Failure {
    Error::MethodNotAllowed { method: request.method().to_string() }.into()
}

/// The panic itself is logged by the process's hook.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Failure::from(Error::Panicked).into_response()
}

#[cfg(test)]
mod tests;
