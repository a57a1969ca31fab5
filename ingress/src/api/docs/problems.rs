//! `GET /problems/{code}`: cause and advice for a problem type. `GET /problems`: list of all
//! problem types.

use std::fmt::Write as _;

use abacus_http::problem::ProblemType;
use axum::http::StatusCode;
use axum::response::Response;

use super::html::{escape, markdown, page};
use crate::api::path::{TextPath, read_path};
use crate::problems::{Error, Failure, On, types};

/// Problem types
///
/// A page with every problem type, by status.
#[utoipa::path(
    get,
    path = "/problems",
    operation_id = "listProblems",
    tag = "about",
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub(super) async fn list() -> Response {
    page("Problems", &list_content())
}

/// Problem type
///
/// A page for each problem type: cause, advice, and whether to try again. The `type` of a problem
/// document is the path of this page.
#[utoipa::path(
    get,
    path = "/problems/{code}",
    operation_id = "getProblem",
    tag = "about",
    params((
        "code" = String, Path,
        description = "Code of the problem",
        example = "result-too-large",
        pattern = "^[a-z-]+$",
    )),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        On<400>,
        On<404>,
    )
)]
pub(super) async fn show(code: TextPath) -> Result<Response, Failure> {
    let code = read_path(code)?;
    let problem = types::find(&code).ok_or_else(|| {
        let detail = "no problem type has this code; `/problems` lists all problem types";
        Error::new(types::requests::NO_SUCH_PROBLEM, detail)
    })?;
    Ok(page(problem.title(), &content(problem)))
}

fn content(problem: &ProblemType) -> String {
    let status = problem.status();
    format!(
        "<nav><a href=\"/\">Abacus</a> / <a href=\"/problems\">Problems</a></nav>\n\
         <h1>{title}</h1>\n<p><code>{code}</code>, HTTP status {number} {reason}</p>\n\
         <dl>\n<dt>What has happened</dt>\n<dd>{happened}</dd>\n\
         <dt>What to do</dt>\n<dd>{remedy}</dd>\n\
         <dt>Is it safe to try again?</dt>\n<dd>{retry}</dd>\n</dl>\n",
        title = escape(problem.title()),
        code = problem.code(),
        number = status.as_u16(),
        reason = status.canonical_reason().unwrap_or_default(),
        happened = markdown(problem.happened()),
        remedy = markdown(problem.remedy()),
        retry = markdown(problem.retry().advice()),
    )
}

fn list_content() -> String {
    let mut html = "<nav><a href=\"/\">Abacus</a></nav>\n<h1>Problems</h1>\n\
        <p>Every failure is a document of the type <code>application/problem+json</code> \
        (RFC 9457). Its <code>type</code> is the path of one of these pages; <code>detail</code> describes \
        the error of the request.</p>\n"
        .to_owned();
    let mut statuses: Vec<StatusCode> = types::all().map(ProblemType::status).collect();
    statuses.sort();
    statuses.dedup();
    for status in statuses {
        let reason = status.canonical_reason().unwrap_or_default();
        let number = status.as_u16();
        // Writing to a String cannot fail.
        let _ = writeln!(html, "<h2 id=\"{number}\">{number} {reason}</h2>\n<table>");
        for problem in types::all().filter(|problem| problem.status() == status) {
            let (code, title) = (problem.code(), escape(problem.title()));
            let _ = writeln!(
                html,
                "<tr><td><a href=\"/problems/{code}\"><code>{code}</code></a></td><td>{title}</td></tr>"
            );
        }
        html.push_str("</table>\n");
    }
    html
}
