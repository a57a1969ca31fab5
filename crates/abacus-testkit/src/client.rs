//! The HTTP client of the tests.

use std::time::{Duration, Instant};

use reqwest::blocking::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_mins(1);
const SHORT_TIMEOUT: Duration = Duration::from_millis(500);

/// A client of one server.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    http: reqwest::blocking::Client,
    /// Token for `Authorization: Bearer`.
    token: Option<String>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct HttpRequest<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Header fields.
    pub headers: Vec<(&'a str, &'a str)>,
    /// Body, sent as JSON.
    pub body: Option<Value>,
}

impl<'a> HttpRequest<'a> {
    /// A GET request.
    pub fn get(path: &'a str) -> Self {
        Self { method: "GET", path, headers: Vec::new(), body: None }
    }

    /// A POST request with a JSON body.
    pub fn post(path: &'a str, body: Value) -> Self {
        Self { method: "POST", body: Some(body), ..Self::get(path) }
    }

    /// Adds a header field.
    #[must_use]
    pub fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A complete response.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header fields.
    pub headers: HeaderMap,
    /// Body.
    pub body: String,
    /// Time from sending the request until the body was received.
    pub took: Duration,
}

impl Client {
    /// A client of the server at `address`.
    pub fn new(address: std::net::SocketAddr) -> Self {
        Self::at(&format!("http://{address}"))
    }

    /// A client with `base` in front of every path.
    pub fn at(base: &str) -> Self {
        Self { base: base.to_owned(), http: http_client(TIMEOUT), token: None }
    }

    /// Returns a client that sends a bearer token with every request.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The bearer token, if set.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Returns a client that closes the connection if an answer takes longer than half a second.
    #[must_use]
    pub fn with_short_timeout(&self) -> Self {
        Self { http: http_client(SHORT_TIMEOUT), ..self.clone() }
    }

    /// Sends a GET request.
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        self.try_get(path).unwrap_or_else(|error| panic!("GET {path}: {error:?}"))
    }

    /// Sends a GET request. Returns an error if the connection fails.
    pub fn try_get(&self, path: &str) -> Result<Response, reqwest::Error> {
        Response::of(self.request("GET", path))
    }

    /// Sends a GET request with a header field.
    #[track_caller]
    pub fn get_with(&self, path: &str, header: (&str, &str)) -> Response {
        Response::of(self.request("GET", path).header(header.0, header.1))
            .unwrap_or_else(|error| panic!("GET {path}: {error:?}"))
    }

    /// Sends a request. Returns an error if the connection fails.
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

    /// Sends a request.
    #[track_caller]
    pub fn execute(&self, request: &HttpRequest<'_>) -> Response {
        self.try_execute(request).unwrap_or_else(|error| panic!("{request:?}: {error:?}"))
    }

    /// Sends a POST request with `body` as `content_type`.
    #[track_caller]
    pub fn post(&self, path: &str, content_type: &str, body: impl Into<String>) -> Response {
        let request = self.request("POST", path).header("content-type", content_type);
        Response::of(request.body(body.into()))
            .unwrap_or_else(|error| panic!("POST {path}: {error:?}"))
    }

    /// Sends a POST request with a JSON body.
    #[track_caller]
    pub fn post_json(&self, path: &str, body: &Value) -> Response {
        self.post(path, "application/json", body.to_string())
    }

    /// Sends a POST request with a JSON body. Returns an error if the connection fails.
    pub fn try_post_json(&self, path: &str, body: &Value) -> Result<Response, reqwest::Error> {
        self.try_send_json("POST", path, body)
    }

    /// Sends a PUT request with a JSON body.
    #[track_caller]
    pub fn put_json(&self, path: &str, body: &Value) -> Response {
        self.send_json("PUT", path, body)
    }

    /// Sends a PATCH request with a JSON body.
    #[track_caller]
    pub fn patch_json(&self, path: &str, body: &Value) -> Response {
        self.send_json("PATCH", path, body)
    }

    /// Sends a request of any method without a body.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str) -> Response {
        Response::of(self.request(method, path))
            .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
    }

    /// Sends a DELETE request.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path)
    }

    /// Sends a request of any method with a JSON body.
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

    /// Returns the value of a header field, or an empty text if the field is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header is text"))
    }

    /// Parses the body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error} in the {} answer {:?}", self.status, self.body))
    }
}
