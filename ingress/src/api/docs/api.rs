//! The frame of the `OpenAPI` document: general information, and responses common to all
//! operations.

use abacus_http::problem::responses;
use axum::http::StatusCode;
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, RefOr};
use utoipa::{Modify, OpenApi as _};

use super::document;
use super::operations::mark_as_alias;
use crate::problems::Problem;

/// Name of the security scheme.
const BEARER: &str = "bearer";

/// Answers of the HTTP parser to any request. Above the parser's own limits these answers have no
/// body, so the description promises no body.
const FROM_THE_PARSER: [(StatusCode, &str); 2] = [
    (StatusCode::URI_TOO_LONG, "The URL is too long: send operands in a body."),
    (
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The headers are too large: send fewer or shorter headers.",
    ),
];

/// Aliases without the version, and the paths with the version. The operations have further
/// aliases.
const ALIASES: [(&str, &str); 4] = [
    ("/register", "/v1/register"),
    ("/login", "/v1/login"),
    ("/logout", "/v1/logout"),
    ("/secure-history", "/v1/admin/history"),
];

const DESCRIPTION: &str = "\
Integers of any size: powers, Fibonacci numbers, factorials.

**Operands and results are strings of decimal digits**, because a JSON number would lose digits. A result \
comes as JSON, or as the bare digits with `Accept: text/plain`.

A request waits for its result. After the wait the answer is `202` with the `Location` of the result; \
no accepted request is lost.

**Every failure is a problem document** (RFC 9457). Its `type` is a page with advice: \
[all problem types](/problems).

Sign in at `POST /v1/login`, or make an API key, and send the token or key as `Authorization: Bearer TOKEN`.";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Abacus", description = DESCRIPTION),
    servers((url = "/", description = "This server")),
    tags(
        (name = "compute", description = "Ask for a result"),
        (name = "computations", description = "The state of a request"),
        (name = "history", description = "Lists of past requests, newest first"),
        (name = "accounts", description = "Sign up, in and out"),
        (name = "API keys", description = "Credentials for programs"),
        (name = "administration", description = "For administrators"),
        (name = "about", description = "The service and its operations"),
        (name = "aliases", description = "Paths without the version, for people who type URLs"),
    ),
    components(schemas(Problem)),
    modifiers(&Bearer),
)]
struct Frame;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, api: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The `access_token` of `POST /v1/login`, or an API key (`abk_...`)"));
        let components = api.components.get_or_insert_default();
        components.add_security_scheme(BEARER, SecurityScheme::Http(scheme.build()));
    }
}

/// Returns the document without paths.
pub(crate) fn base() -> OpenApi {
    let mut api = Frame::openapi();
    // The crates are not published; the licence is in the workspace's files.
    api.info.license = None;
    api.info.contact = None;
    api
}

/// Adds the path of the document, the aliases, and the problems of every operation.
pub(super) fn finish(mut api: OpenApi) -> OpenApi {
    api.paths.merge(document::paths());
    api.paths.merge(aliases(&api.paths));
    api.paths.paths.values_mut().flat_map(operations).for_each(complete);
    api
}

fn aliases(paths: &Paths) -> Paths {
    let mut aliases = Paths::new();
    for (alias, path) in ALIASES {
        let Some(mut item) = paths.paths.get(path).cloned() else { continue };
        operations(&mut item).for_each(|operation| mark_as_alias(operation, path));
        aliases.paths.insert(alias.to_owned(), item);
    }
    aliases
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}

fn complete(operation: &mut Operation) {
    let takes_credentials = operation.security.as_ref().is_some_and(|schemes| {
        schemes.iter().any(|scheme| *scheme != utoipa::openapi::SecurityRequirement::default())
    });
    let has_body = operation.request_body.is_some();
    let responses = &mut operation.responses.responses;
    // Credentials cannot be checked while revocations are unknown.
    for (status, is_possible) in [
        (StatusCode::UNAUTHORIZED, takes_credentials),
        (StatusCode::SERVICE_UNAVAILABLE, takes_credentials),
        (StatusCode::REQUEST_TIMEOUT, has_body),
        (StatusCode::BAD_REQUEST, true),
        (StatusCode::EXPECTATION_FAILED, true),
        (StatusCode::NOT_IMPLEMENTED, has_body),
        (StatusCode::INTERNAL_SERVER_ERROR, true),
    ] {
        if is_possible {
            responses.entry(status.as_str().to_owned()).or_insert_with(|| responses_of(status));
        }
    }
    responses.iter_mut().for_each(fill_in);
    for (status, meaning) in FROM_THE_PARSER {
        let response = utoipa::openapi::Response::new(meaning);
        responses.insert(status.as_str().to_owned(), response.into());
    }
}

/// Completes the description of a problem response that has only a status.
fn fill_in((status, response): (&String, &mut RefOr<utoipa::openapi::Response>)) {
    let status = status.parse().unwrap_or(StatusCode::OK);
    if let RefOr::T(response) = response
        && (status.is_client_error() || status.is_server_error())
    {
        let full = responses::response(status);
        if response.content.is_empty() {
            response.content = full.content;
        }
        if response.description.is_empty() {
            response.description = full.description;
        }
        response.headers.extend(full.headers);
    }
}

fn responses_of(status: StatusCode) -> RefOr<utoipa::openapi::Response> {
    responses::response(status).into()
}
