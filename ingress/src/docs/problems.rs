//! `GET /problems/{code}`: what a problem type means and what to do about it; `GET /problems` lists
//! them.

use std::fmt::Write as _;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::response::Response;

use super::html::{escape, markdown, page};
use crate::error::Error;
use crate::problem::types::{self, ProblemType};
use crate::problem::{Failure, On};

/// What can go wrong
///
/// A page that lists every problem type, by status.
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

/// What a problem means
///
/// A page for each problem type: what has happened, what to do, and whether trying again helps. The
/// `type` of a problem document leads here.
#[utoipa::path(
    get,
    path = "/problems/{code}",
    operation_id = "getProblem",
    tag = "about",
    params((
        "code" = String, Path,
        description = "The problem's code",
        example = "result-too-large",
        pattern = "^[a-z-]+$",
    )),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        On<400>,
        On<404>,
    )
)]
pub(super) async fn show(code: Result<Path<String>, PathRejection>) -> Result<Response, Failure> {
    let Path(code) = code.map_err(|rejection| Error::MalformedUrl(rejection.body_text()))?;
    let problem = types::find(&code).ok_or(Error::NoSuchProblem)?;
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
        (RFC 9457). Its <code>type</code> is one of these pages; <code>detail</code> says what is \
        wrong with the request at hand.</p>\n"
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
