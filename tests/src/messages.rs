//! Rules of HTTP/1.1 for messages, over raw connections to an ingress.

use std::io::{Read as _, Write as _};

use abacus_testkit::System;

use crate::protection::{read_to_end, send};

const GET: &str = "GET /v1/operations HTTP/1.1\r\nconnection: close\r\n";
const POST: &str = "POST /v1/computations HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                    content-type: application/json\r\n";

/// A problem in answers: status and code.
type Expected = (u16, &'static str);

#[track_caller]
fn assert_answer(answer: &str, (status, code): Expected, request: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}\n{answer}");
    assert!(answer.contains("connection: close\r\n"), "{request}\n{answer}");
    if status >= 400 {
        assert!(answer.contains("content-type: application/problem+json\r\n"), "{answer}");
        assert!(answer.contains(&format!(r#""code":"{code}""#)), "{request}\n{answer}");
    }
}

#[test]
fn a_message_that_breaks_a_rule_is_refused_with_a_problem() {
    const NO_HOST: Expected = (400, "invalid-host");
    const OK: Expected = (200, "");
    let system = System::new();
    let mut ingress = system.start(&system.ingress());
    let address = ingress.address("http");
    let ask = |request: &str| read_to_end(send(address, request));
    for (fields, expected) in [
        ("", NO_HOST),
        ("host: x\r\nhost: x\r\n", NO_HOST),
        ("host: a b\r\n", NO_HOST),
        ("host:\r\n", NO_HOST),
        ("host: x:8080\r\n", OK),
        ("host: x\r\naccept:\r\n", OK),
        ("host: x\r\nexpect: a miracle\r\n", (417, "unknown-expectation")),
    ] {
        let request = format!("{GET}{fields}\r\n");
        assert_answer(&ask(&request), expected, &request);
    }
    let absolute = GET.replace("/v1", "http://abacus.example/v1");
    assert_answer(&ask(&format!("{absolute}host: x\r\n\r\n")), OK, &absolute);
    for (fields, expected) in [
        ("transfer-encoding: gzip, chunked\r\n", (501, "unsupported-transfer-coding")),
        ("transfer-encoding: chunked, chunked\r\n", (400, "malformed-transfer-encoding")),
        ("transfer-encoding: chunked\r\n", (400, "malformed-json")),
    ] {
        let request = format!("{POST}{fields}\r\n0\r\n\r\n");
        assert_answer(&ask(&request), expected, &request);
    }
    let coded = ask(&format!("{POST}content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{{}}"));
    assert_answer(&coded, (415, "unsupported-content-coding"), "gzip");
    assert!(coded.contains("accept-encoding: identity\r\n"), "{coded}");
    // The parser answers without a document.
    let unending = ask(&format!("{POST}transfer-encoding: gzip\r\n\r\n"));
    assert!(unending.starts_with("HTTP/1.1 400 "), "{unending}");
    assert_eq!(ingress.http().get("/v1/operations").status, 200);
}

#[test]
fn a_body_with_two_lengths_hides_no_second_request() {
    let system = System::new();
    let mut ingress = system.start(&system.ingress());
    let address = ingress.address("http");
    let post = POST.replace("connection: close\r\n", "");
    for fields in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
    ] {
        let hidden = "GET /v1/operations HTTP/1.1\r\nhost: x\r\n\r\n";
        let request = format!("{post}{fields}\r\n0\r\n\r\n{hidden}");
        let answer = read_to_end(send(address, &request));
        assert_answer(&answer, (400, "malformed-json"), fields);
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
}

#[test]
fn only_a_body_that_is_read_is_asked_for() {
    let system = System::new();
    let mut ingress = system.start(&system.ingress());
    let address = ingress.address("http");
    let expecting = format!("{POST}expect: 100-continue\r\ncontent-length: 1\r\n");
    let refused = send(address, &format!("{expecting}content-encoding: br\r\n\r\n"));
    assert_answer(&read_to_end(refused), (415, "unsupported-content-coding"), &expecting);

    let mut asked = send(address, &format!("{expecting}\r\n"));
    let mut interim = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    asked.read_exact(&mut interim).unwrap();
    assert_eq!(interim, *b"HTTP/1.1 100 Continue\r\n\r\n");
    asked.write_all(b"{").unwrap();
    assert_answer(&read_to_end(asked), (400, "malformed-json"), &expecting);
}
