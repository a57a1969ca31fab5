//! Asking over HTTP.

use std::time::{Duration, Instant};

use reqwest::blocking::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_mins(1);
const SHORT_TIMEOUT: Duration = Duration::from_millis(500);

/// An HTTP client of one server.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    http: reqwest::blocking::Client,
    /// What is sent as `Authorization: Bearer`.
    token: Option<String>,
}

/// A request in all its parts.
#[derive(Clone, Debug)]
pub struct HttpRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The path and query.
    pub path: &'a str,
    /// The headers.
    pub headers: Vec<(&'a str, &'a str)>,
    /// The body, sent as JSON.
    pub body: Option<Value>,
}

impl<'a> HttpRequest<'a> {
    /// GET.
    pub fn get(path: &'a str) -> Self {
        Self { method: "GET", path, headers: Vec::new(), body: None }
    }

    /// POST of JSON.
    pub fn post(path: &'a str, body: Value) -> Self {
        Self { method: "POST", body: Some(body), ..Self::get(path) }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A whole response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
    /// From sending the request to having the body.
    pub took: Duration,
}

impl Client {
    /// A client of the server at `address`.
    pub fn new(address: std::net::SocketAddr) -> Self {
        Self::at(&format!("http://{address}"))
    }

    /// A client of what is under `base`.
    pub fn at(base: &str) -> Self {
        Self { base: base.to_owned(), http: http_client(TIMEOUT), token: None }
    }

    /// The same client with a bearer token, which is sent with every request.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The bearer token that is sent, if one is.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The same, but it goes away when an answer takes more than a moment.
    #[must_use]
    pub fn with_short_timeout(&self) -> Self {
        Self { http: http_client(SHORT_TIMEOUT), ..self.clone() }
    }

    /// GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        self.try_get(path).unwrap_or_else(|error| panic!("GET {path}: {error:?}"))
    }

    /// GET; an error is a connection that failed.
    pub fn try_get(&self, path: &str) -> Result<Response, reqwest::Error> {
        Response::of(self.request("GET", path))
    }

    /// GET with a header.
    #[track_caller]
    pub fn get_with(&self, path: &str, header: (&str, &str)) -> Response {
        Response::of(self.request("GET", path).header(header.0, header.1))
            .unwrap_or_else(|error| panic!("GET {path}: {error:?}"))
    }

    /// Any request; an error is a connection that failed.
    pub fn try_execute(&self, request: &HttpRequest<'_>) -> Result<Response, reqwest::Error> {
        let method = request.method.parse().expect("a method");
        let mut builder = self.http.request(method, self.url(request.path));
        for (name, value) in &request.headers {
            builder = builder.header(*name, *value);
        }
        if let Some(body) = &request.body {
            builder = builder.header("content-type", "application/json").body(body.to_string());
        }
        Response::of(builder)
    }

    /// Any request.
    #[track_caller]
    pub fn execute(&self, request: &HttpRequest<'_>) -> Response {
        self.try_execute(request).unwrap_or_else(|error| panic!("{request:?}: {error:?}"))
    }

    /// POST of `body` as `content_type`.
    #[track_caller]
    pub fn post(&self, path: &str, content_type: &str, body: impl Into<String>) -> Response {
        let request = self.request("POST", path).header("content-type", content_type);
        Response::of(request.body(body.into()))
            .unwrap_or_else(|error| panic!("POST {path}: {error:?}"))
    }

    /// POST of a JSON value.
    #[track_caller]
    pub fn post_json(&self, path: &str, body: &Value) -> Response {
        self.post(path, "application/json", body.to_string())
    }

    /// POST of a JSON value; an error is a connection that failed.
    pub fn try_post_json(&self, path: &str, body: &Value) -> Result<Response, reqwest::Error> {
        self.try_send_json("POST", path, body)
    }

    /// PUT of a JSON value.
    #[track_caller]
    pub fn put_json(&self, path: &str, body: &Value) -> Response {
        self.send_json("PUT", path, body)
    }

    /// PATCH with a JSON value.
    #[track_caller]
    pub fn patch_json(&self, path: &str, body: &Value) -> Response {
        self.send_json("PATCH", path, body)
    }

    /// A request of any method without a body.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str) -> Response {
        Response::of(self.request(method, path))
            .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    /// DELETE.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path)
    }

    /// A request of any method with a JSON value.
    #[track_caller]
    pub fn send_json(&self, method: &str, path: &str, body: &Value) -> Response {
        self.try_send_json(method, path, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    fn try_send_json(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Response, reqwest::Error> {
        let request = self.request(method, path).header("content-type", "application/json");
        Response::of(request.body(body.to_string()))
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, self.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

fn http_client(timeout: Duration) -> reqwest::blocking::Client {
    reqwest::blocking::Client::builder()
        .no_proxy()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("an HTTP client")
}

impl Response {
    fn of(request: RequestBuilder) -> Result<Self, reqwest::Error> {
        let began = Instant::now();
        let response = request.send()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, body: response.text()?, took: began.elapsed() })
    }

    /// The value of a header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header is text"))
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in the {} answer {:?}", self.status, self.body))
    }
}
