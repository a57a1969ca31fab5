//! `GET /`: an overview of the service. Browsers get HTML, programs get JSON, and clients without a
//! preference, such as curl, get plain text.

use std::fmt::Write as _;

use abacus_http::fields::accept::quality;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::html::{escape, markdown, page};
use crate::api::catalog;

const SUMMARY: &str = "Abacus computes with integers of any size.";
const LINKS: [(&str, &str); 4] = [
    ("/docs/", "the API, to read and to try"),
    ("/openapi.json", "the API for programs"),
    ("/v1/operations", "operations, operands and limits"),
    ("/problems", "all problem types, with advice"),
];
const HEALTH: &str = "`/livez`, `/readyz` and `/metrics` are on the admin port \
                      (`ABACUS_ADMIN_LISTEN`, usually 9080).";
const SIGN_IN: &str = "If a call needs credentials, sign in at `POST /v1/login` and add \
                       `-H \"Authorization: Bearer $ABACUS_TOKEN\"`.";
/// Host in examples for a request without a `Host`.
const HOST: &str = "localhost:8080";

/// The service and its pages.
#[derive(Serialize, ToSchema)]
#[schema(as = Index)]
struct Index {
    name: &'static str,
    version: &'static str,
    summary: &'static str,
    /// A command to try.
    example: String,
    /// Paths with titles.
    links: Vec<Link>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = IndexLink)]
struct Link {
    href: &'static str,
    title: &'static str,
}

/// Index
///
/// HTML for browsers, JSON for programs that ask for JSON, else plain text.
#[utoipa::path(
    get,
    path = "/",
    operation_id = "getIndex",
    tag = "about",
    responses((
        status = 200,
        description = "The service and its pages",
        content(
            (Index = "application/json"),
            (String = "text/plain"),
            (String = "text/html"),
        ),
    ))
)]
pub(super) async fn show(uri: Uri, headers: HeaderMap) -> Response {
    let host = host(&uri, &headers);
    match form(&headers) {
        Form::Html => page("Abacus", &html(&host)),
        Form::Json => ([(header::VARY, "accept")], axum::Json(index(&host))).into_response(),
        Form::Text => ([(header::VARY, "accept")], text(&host)).into_response(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Html,
    Json,
    Text,
}

/// Returns the preferred form; plain text without a preference.
fn form(headers: &HeaderMap) -> Form {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accepted = values.collect::<Vec<_>>().join(",");
    let text = quality(&accepted, "text", "plain");
    let html = quality(&accepted, "text", "html");
    let json = quality(&accepted, "application", "json");
    if html > text && html >= json {
        Form::Html
    } else if json > text {
        Form::Json
    } else {
        Form::Text
    }
}

/// Returns the host of the target, or the request's `Host` (RFC 9112, section 3.2.2), if harmless in
/// a shell command, else the default.
fn host(uri: &Uri, headers: &HeaderMap) -> String {
    let field = || headers.get(header::HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    let given = uri.authority().map_or_else(field, |authority| authority.as_str().as_bytes());
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(byte);
    let is_valid = !given.is_empty() && given.iter().all(is_host);
    let host = std::str::from_utf8(given).ok().filter(|_| is_valid);
    host.unwrap_or(HOST).to_owned()
}

fn index(host: &str) -> Index {
    Index {
        name: "Abacus",
        version: env!("CARGO_PKG_VERSION"),
        summary: SUMMARY,
        example: command(host),
        links: LINKS.into_iter().map(|(href, title)| Link { href, title }).collect(),
    }
}

fn command(host: &str) -> String {
    format!("curl -H 'Accept: text/plain' http://{host}/v1/pow/2/100")
}

fn text(host: &str) -> String {
    let mut text = format!("{SUMMARY}\n\n  {}\n\n{}\n\n", command(host), SIGN_IN.replace('`', ""));
    let longest = LINKS.iter().map(|(href, _)| href.len()).max().unwrap_or_default();
    for (href, title) in LINKS {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  http://{host}{href:<longest$}  {title}");
    }
    let _ = writeln!(text, "\n{}", HEALTH.replace('`', ""));
    text
}

fn html(host: &str) -> String {
    let mut html = format!(
        "<h1>Abacus</h1>\n<p>{SUMMARY} Ask for a result over HTTP; every request and every result is also \
         an event in a log.</p>\n<pre><code>{}</code></pre>\n<p>{}</p>\n\
         <h2>Operations</h2>\n<table>\n",
        escape(&command(host)),
        markdown(SIGN_IN)
    );
    for operation in abacus_operations::documented() {
        let path = escape(&catalog::path(operation));
        let summary = markdown(operation.summary());
        let _ = writeln!(html, "<tr><td><code>{path}</code></td><td>{summary}</td></tr>");
    }
    html.push_str("</table>\n<h2>Pages</h2>\n<table>\n");
    for (href, title) in LINKS {
        let title = escape(title);
        let _ = writeln!(html, "<tr><td><a href=\"{href}\">{href}</a></td><td>{title}</td></tr>");
    }
    let _ = writeln!(html, "</table>\n<p>{}</p>", markdown(HEALTH));
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn everybody_gets_what_they_can_read() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (accept, expected) in [
            (browser, Form::Html),
            ("*/*", Form::Text),
            ("application/json", Form::Json),
            ("application/json, text/plain;q=0.5", Form::Json),
            ("image/png", Form::Text),
        ] {
            assert_eq!(form(&headers(header::ACCEPT, accept)), expected, "{accept}");
        }
        assert_eq!(form(&HeaderMap::new()), Form::Text);
    }

    #[test]
    fn only_a_host_gets_into_the_command() {
        let of =
            |target: &str, field| host(&target.parse().unwrap(), &headers(header::HOST, field));
        assert_eq!(of("/", "abacus.example:8080"), "abacus.example:8080");
        assert_eq!(of("http://abacus.example/", "other"), "abacus.example");
        for bad in ["x;rm -rf /", "<script>", "a'b", ""] {
            assert_eq!(of("/", bad), HOST, "{bad}");
        }
    }
}
