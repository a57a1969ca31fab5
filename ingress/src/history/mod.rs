//! Lists of past requests, newest first, from the request log.
//!
//! **Invariants:** whose rows a caller gets to see is part of the SQL; a page costs the same wherever
//! it is in the log, and no result is read whole. What one request became in full is told by its id
//! ([`crate::computations::lookup`]).

mod cursor;
mod list;
mod page;
mod parameters;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::identity::{Admin, Caller, User};
use crate::problem::{Failure, On};
use crate::protection::ClientAddress;
use crate::state::Shared;
use page::Page;
use parameters::{OwnParameters, Parameters, RequesterParameter, Requesters};

/// The parameters of a query, as they were written.
type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// Everybody's own, and all of them for administrators.
pub(crate) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(own))
        .routes(routes!(everybodys))
        .route("/secure-history", get(everybodys))
}

/// Your requests
///
/// Newest first. A page holds the first digits of each result; `href` leads to all of it. A page that
/// is filtered may hold few requests, or none, and still have a `next`: follow it to the end.
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
    from: ClientAddress,
    query: Pairs,
) -> Result<Response, Failure> {
    let parameters = Parameters::read(pairs(query)?, Requesters::Only(&user.name))?;
    state.protection.admit_read(&Caller::User(user.clone()), from).await?;
    let page = list::page(&state.log, &parameters).await?;
    Ok(page.into_response("/v1/computations", &parameters))
}

/// Everybody's requests
///
/// Newest first, for administrators, with who asked. Also at `/secure-history`.
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
async fn everybodys(
    State(state): State<Shared>,
    Admin(user): Admin,
    from: ClientAddress,
    uri: Uri,
    query: Pairs,
) -> Result<Response, Failure> {
    let parameters = Parameters::read(pairs(query)?, Requesters::All)?;
    state.protection.admit_read(&Caller::User(user), from).await?;
    let page = list::page(&state.log, &parameters).await?;
    Ok(page.into_response(uri.path(), &parameters))
}

fn pairs(query: Pairs) -> Result<Vec<(String, String)>, Error> {
    let read = query.map(|Query(pairs)| pairs);
    read.map_err(|rejection| Error::MalformedUrl(rejection.body_text()))
}
