//! Lists of past requests, newest first, from the request log.
//!
//! **Invariants:** the SQL selects only requests that the caller may see. The cost of a page does
//! not depend on the position in the log, and no result is read whole. [`super::lookup`] gives one
//! request in full.

mod cursor;
mod page;
mod parameters;

use abacus_identity::{Caller, User};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::page::Page;
use self::parameters::{ListParameters, OwnParameters, RequesterParameter, Requesters};
use super::caller::{Admin, RequestSource};
use super::path::read_query;
use super::state::{AppState, Shared};
use crate::problems::{Failure, On};
use crate::quotas::Client;

/// The parameters of a query, as written by the caller.
type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Returns the routes of the caller's own list, and of the list of all requests for administrators.
pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(own))
        .routes(routes!(all))
        .route("/secure-history", get(all))
}

/// Your requests
///
/// Newest first. A page holds the first digits of each result; `href` is the path of the whole
/// result. A filtered page may hold few requests, or none, and still have a `next`: follow `next`
/// to the end.
#[utoipa::path(
    get,
    path = "/v1/computations",
    operation_id = "listComputations",
    tag = "history",
    params(OwnParameters),
    responses(
        (
            status = 200,
            description = "A page",
            body = Page,
            headers(("Link" = String, description = "The next page, with `rel=\"next\"`")),
        ),
        On<400>, On<429>, On<503>,
    ),
    security(("bearer" = []))
)]
async fn own(
    State(state): State<Shared>,
    user: User,
    RequestSource { from, ledger }: RequestSource,
    query: Pairs,
) -> Result<Response, Failure> {
    let parameters = ListParameters::read(read_query(query)?, Requesters::Only(&user.name))?;
    let client = Client::new(Caller::User(user.clone()), from, ledger);
    list(&state, &client, &parameters, "/v1/computations").await
}

/// All requests
///
/// Newest first, for administrators, with the requester. Also at `/secure-history`.
#[utoipa::path(
    get,
    path = "/v1/admin/history",
    operation_id = "listHistory",
    tag = "administration",
    params(RequesterParameter, OwnParameters),
    responses(
        (
            status = 200,
            description = "A page",
            body = Page,
            headers(("Link" = String, description = "The next page, with `rel=\"next\"`")),
        ),
        On<400>, On<403>, On<429>, On<503>,
    ),
    security(("bearer" = []))
)]
async fn all(
    State(state): State<Shared>,
    Admin(user): Admin,
    RequestSource { from, ledger }: RequestSource,
    uri: Uri,
    query: Pairs,
) -> Result<Response, Failure> {
    let parameters = ListParameters::read(read_query(query)?, Requesters::All)?;
    let client = Client::new(Caller::User(user), from, ledger);
    list(&state, &client, &parameters, uri.path()).await
}

async fn list(
    state: &AppState,
    client: &Client,
    parameters: &ListParameters,
    path: &str,
) -> Result<Response, Failure> {
    state.quotas.admit_read(client).await?;
    let page = state.log.page(&parameters.filter).await?;
    Ok(Page::new(page, path, parameters).into_response())
}
