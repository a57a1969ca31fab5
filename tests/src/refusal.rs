//! Refusals over HTTP: a problem document, and no event.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use abacus_testkit::{Client, Response, System};
use serde_json::Value;

const POST: &str = "/v1/computations";

/// A refused request, with the expected status and code.
struct Refused {
    what: String,
    response: Response,
    status: u16,
    code: &'static str,
}

fn get(client: &Client, path: &str, status: u16, code: &'static str) -> Refused {
    Refused { what: format!("GET {path}"), response: client.get(path), status, code }
}

fn post(client: &Client, body: &str, status: u16, code: &'static str) -> Refused {
    let response = client.post(POST, "application/json", body);
    Refused { what: format!("POST {body:.100}"), response, status, code }
}

fn refused_gets(client: &Client) -> Vec<Refused> {
    let nines = "9".repeat(50);
    [
        ("/v1/fibonacci/-1", 422, "operand-out-of-range"),
        ("/fibonacci/-1", 422, "operand-out-of-range"),
        ("/v1/factorial/-5", 422, "operand-out-of-range"),
        ("/v1/pow/2/-1", 422, "operand-out-of-range"),
        ("/v1/fibonacci/abc", 422, "malformed-operand"),
        ("/v1/pow/2/1e9", 422, "malformed-operand"),
        ("/v1/pow/2/1.5", 422, "malformed-operand"),
        ("/v1/pow/2/%20", 422, "malformed-operand"),
        ("/v1/pow/2/%00", 422, "malformed-operand"),
        ("/v1/fibonacci/%ff", 400, "malformed-url"),
        ("/pow?base=2", 422, "missing-operand"),
        ("/pow", 422, "missing-operand"),
        ("/pow?base=2&exp=3&exp=4", 422, "repeated-operand"),
        ("/pow?base=2&exp=3&x=1", 422, "unexpected-operand"),
        ("/v1/pow/2/1000000000", 422, "result-too-large"),
        ("/v1/fibonacci/100000000", 422, "result-too-large"),
        (&format!("/v1/factorial/{nines}"), 422, "result-too-large"),
        ("/v1/root/2", 404, "no-such-path"),
        ("/v1/pow/2/3/", 404, "no-such-path"),
        ("/v1/computations/no-uuid", 400, "malformed-id"),
        ("/v1/batch", 405, "method-not-allowed"),
    ]
    .map(|(path, status, code)| get(client, path, status, code))
    .into()
}

fn refused_posts(client: &Client) -> Vec<Refused> {
    let mut refused: Vec<Refused> = [
        ("", 400, "malformed-json"),
        ("{", 400, "malformed-json"),
        ("fibonacci", 400, "malformed-json"),
        ("[]", 422, "invalid-body"),
        ("{}", 422, "invalid-body"),
        (r#"{"operation":"pow"}"#, 422, "invalid-body"),
        (r#"{"operation":7,"operands":{}}"#, 422, "invalid-body"),
        (r#"{"operation":"factorial","operands":{"n":"3"},"x":1}"#, 422, "invalid-body"),
        (r#"{"operation":"root","operands":{"n":"2"}}"#, 422, "unknown-operation"),
        (r#"{"operation":"factorial","operands":{"n":[3]}}"#, 422, "malformed-operand"),
        (r#"{"operation":"factorial","operands":{"n":1e3}}"#, 422, "malformed-operand"),
        (r#"{"operation":"factorial","operands":{"n":"\u0000"}}"#, 422, "malformed-operand"),
        (r#"{"operation":"factorial","operands":{"n":3,"n":4}}"#, 422, "repeated-operand"),
    ]
    .map(|(body, status, code)| post(client, body, status, code))
    .into();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let body = r#"{"operation":"factorial","operands":{"n":"3"}}"#;
        refused.push(Refused {
            what: format!("POST as {content_type:?}"),
            response: client.post(POST, content_type, body),
            status: 415,
            code: "unsupported-media-type",
        });
    }
    let huge =
        format!(r#"{{"operation":"factorial","operands":{{"n":"{}"}}}}"#, "1".repeat(3 << 20));
    refused.push(post(client, &huge, 413, "body-too-large"));
    refused.push(Refused {
        what: "Accept: image/png".to_owned(),
        response: client.get_with("/v1/pow/2/3", ("accept", "image/png")),
        status: 406,
        code: "not-acceptable",
    });
    refused
}

/// Sends raw bytes, as a faulty client would. Returns the status line of the answer.
fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // The server may answer and close the connection early.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_request_that_cannot_be_met_gets_a_problem_document_and_leaves_no_event() {
    let mut system = System::new();
    // Without a processor, a request accepted by mistake is soon answered with 202.
    system.set("ABACUS_WAIT", "1s");
    let mut ingress = system.start(&system.ingress());
    let client = ingress.http();
    let before = system.kafka.end_offsets(&system.topics.requested);
    for Refused { what, response, status, code } in
        refused_gets(&client).into_iter().chain(refused_posts(&client))
    {
        assert_eq!(response.status, status, "{what}: {}", response.body);
        assert_eq!(response.header("content-type"), "application/problem+json", "{what}");
        let problem: Value = response.json();
        assert_eq!(problem["code"], code, "{what}: {problem}");
        assert_eq!(problem["status"], status, "{what}");
        assert_eq!(problem["type"], format!("/problems/{code}"), "{what}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{what}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{what}");
    }
    let address = ingress.address("http");
    let long = "1".repeat(70_000);
    for request in [
        format!("GET /v1/factorial/{long} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
        "GET /v1/pow/2/3 HTTP/1.1\r\nconnection: close\r\nno header\r\n\r\n".to_owned(),
        "nonsense\r\n\r\n".to_owned(),
    ] {
        let status = raw(address, request.as_bytes());
        assert!(status.starts_with("HTTP/1.1 4"), "{status:?} for {request:.60}");
    }
    assert_eq!(system.kafka.end_offsets(&system.topics.requested), before);
    assert_eq!(ingress.count("abacus_ingress_deliveries_total", &[]), 0);
    assert_eq!(ingress.count("abacus_ingress_requests_total", &[("outcome", "5xx")]), 0);
}

#[test]
fn after_a_body_that_is_too_large_the_next_request_is_served() {
    let system = System::new();
    let mut ingress = system.start(&system.ingress());
    let client = ingress.http();
    let huge = "1".repeat(3 << 20);
    for _ in 0..5 {
        let refused = client.post(POST, "application/json", huge.clone());
        assert_eq!(
            (refused.status, refused.json()["code"].as_str()),
            (413, Some("body-too-large"))
        );
        assert_eq!(client.get("/v1/operations").status, 200);
    }
}
