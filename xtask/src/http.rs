//! Small HTTP client for the loopback interface.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// Request to a server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request<'a> {
    path: &'a str,
    token: Option<&'a str>,
    body: Option<Value>,
}

/// Response of a server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl<'a> Request<'a> {
    pub(crate) fn get(path: &'a str) -> Self {
        Self { path, ..Self::default() }
    }

    pub(crate) fn post(path: &'a str, body: Value) -> Self {
        Self { path, body: Some(body), ..Self::default() }
    }

    /// Adds a bearer token.
    pub(crate) fn with_token(self, token: &'a str) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Sends the request to `port` of this machine. In HTTP/1.0 the response ends with the
    /// connection.
    pub(crate) fn send(&self, port: u16, limit: Duration) -> Result<Response> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, limit)
            .with_context(|| format!("nothing answers on port {port}"))?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        stream.write_all(self.text(address)?.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        parse(&String::from_utf8_lossy(&answer))
    }

    fn text(&self, address: SocketAddr) -> Result<String> {
        let method = if self.body.is_some() { "POST" } else { "GET" };
        let mut text = format!("{method} {} HTTP/1.0\r\nHost: {address}\r\n", self.path);
        text.push_str("Accept: application/json, */*;q=0.1\r\n");
        if let Some(token) = self.token {
            write!(text, "Authorization: Bearer {token}\r\n")?;
        }
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        if self.body.is_some() {
            write!(text, "Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())?;
        }
        write!(text, "\r\n{body}")?;
        Ok(text)
    }
}

fn parse(answer: &str) -> Result<Response> {
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is not HTTP")?;
    let status = head
        .split_whitespace()
        .nth(1)
        .and_then(|code| code.parse().ok())
        .context("the answer has no HTTP status")?;
    Ok(Response { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn status_and_body_are_read() {
        let response = parse("HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nwait").unwrap();
        assert_eq!(response, Response { status: 503, body: "wait".to_owned() });
    }

    #[test]
    fn what_is_not_http_is_refused() {
        assert!(parse("-ERR unknown command\r\n").is_err());
    }

    #[test]
    fn a_body_makes_it_a_post_of_json() {
        let request = Request::post("/v1/login", json!({"a": 1})).with_token("secret");
        let text = request.text(SocketAddr::from((Ipv4Addr::LOCALHOST, 80))).unwrap();
        assert!(text.starts_with("POST /v1/login HTTP/1.0\r\n"), "{text}");
        assert!(text.contains("\r\nAuthorization: Bearer secret\r\n"), "{text}");
        assert!(text.ends_with("\r\nContent-Length: 7\r\n\r\n{\"a\":1}"), "{text}");
    }
}
