//! Representations of results, from real servers.

use std::collections::BTreeMap;

use abacus_testkit::{Client, HttpRequest, Response, Service, System};
use serde_json::{Value, json};

use crate::oracle::{self, Question};
use crate::waiting::wait_for_waiters;

const TEXT: (&str, &str) = ("accept", "text/plain");

fn start() -> (System, [Service; 2], Client) {
    let system = System::new();
    let mut services = system.start_all([system.ingress(), system.processor()]);
    let client = services[0].http();
    (system, services, client)
}

fn pow(base: &str, exponent: &str) -> Question {
    let operands = [("base", base), ("exponent", exponent)];
    let owned = operands.map(|(name, value)| (name.to_owned(), value.to_owned()));
    ("pow".to_owned(), owned.into())
}

fn answer(system: &System, question: &Question) -> String {
    oracle::answers(&system.stack, [question.clone()])[question].clone()
}

fn text(path: &str) -> HttpRequest<'_> {
    HttpRequest::get(path).with(TEXT.0, TEXT.1)
}

#[track_caller]
fn body(client: &Client, request: &HttpRequest<'_>, status: u16) -> Response {
    let response = client.execute(request);
    assert_eq!(response.status, status, "{request:?}: {}", response.body);
    response
}

#[test]
fn a_result_comes_whole_in_parts_short_and_in_hexadecimal() {
    let (system, _services, client) = start();
    let path = "/v1/pow/-7/30001";
    let decimal = answer(&system, &pow("-7", "30001"));
    let whole = body(&client, &text(path), 200);
    assert_eq!(whole.body, decimal);
    let tag = whole.header("etag").to_owned();

    let mut gathered = String::new();
    while gathered.len() < decimal.len() {
        let range = format!("bytes={}-{}", gathered.len(), gathered.len() + 9_999);
        let part = body(&client, &text(path).with("range", &range).with("if-range", &tag), 206);
        assert!(part.header("content-range").ends_with(&format!("/{}", decimal.len())));
        gathered.push_str(&part.body);
    }
    assert_eq!(gathered, decimal);
    let beyond = format!("bytes={}-", decimal.len());
    assert_eq!(
        body(&client, &text(path).with("range", &beyond), 416).json()["code"],
        "no-such-range"
    );

    let preview = client.get(&format!("{path}?digits=20")).json();
    assert_eq!(preview["result"], decimal[..21]);
    assert_eq!(
        (&preview["truncated"], &preview["digits"]),
        (&json!(true), &json!(decimal.len() - 1))
    );

    // Powers of two need no computation in hexadecimal.
    let power = client.get("/v1/pow/-2/20001?format=hex").json();
    assert_eq!(power["result"], format!("-2{}", "0".repeat(5_000)));
    assert_eq!(power["format"], "hex");
    assert_eq!(body(&client, &text("/v1/pow/2/16?format=hex"), 200).body, "10000");
}

#[test]
fn what_a_caller_has_is_not_sent_again() {
    let (_system, mut services, client) = start();
    let path = "/v1/pow/3/4000";
    let first = body(&client, &text(path), 200);
    let tag = first.header("etag").to_owned();
    let written = |ingress: &mut Service| {
        ingress.count("abacus_ingress_deliveries_total", &[("outcome", "written")])
    };
    let before = written(&mut services[0]);
    let again = body(&client, &text(path).with("if-none-match", &tag), 304);
    assert_eq!((again.body.as_str(), again.header("etag")), ("", tag.as_str()));
    body(&client, &text(path).with("if-match", "\"other\""), 412);
    assert_eq!(written(&mut services[0]), before, "it was computed again");
    body(&client, &text(path).with("if-match", &tag), 200);
    body(&client, &text(path).with("if-none-match", "*"), 304);

    let head = body(&client, &HttpRequest { method: "HEAD", ..text(path) }, 200);
    assert_eq!((head.body.as_str(), head.header("etag")), ("", tag.as_str()));
    assert_eq!(head.header("content-length"), first.body.len().to_string());

    for coding in ["gzip", "zstd"] {
        let coded = body(&client, &text(path).with("accept-encoding", coding), 200);
        assert_eq!(coded.header("content-encoding"), coding);
        assert_ne!(coded.header("etag"), tag);
    }
    let location = format!("/v1/computations/{}", first.header("x-request-id"));
    let looked_up = body(&client, &HttpRequest::get(&location), 200);
    let tag = looked_up.header("etag").to_owned();
    assert!(tag.starts_with('"'), "{tag}");
    body(&client, &HttpRequest::get(&location).with("if-none-match", &tag), 304);
    body(&client, &HttpRequest::get(&location).with("if-match", &tag), 200);
    body(&client, &HttpRequest::get(&location).with("if-match", &format!("W/{tag}")), 412);
}

#[test]
fn the_trace_of_an_answer_is_that_of_its_event() {
    let (system, _services, client) = start();
    let made = client.get("/v1/factorial/9");
    let theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let handed_on = client.get_with("/v1/factorial/9", ("traceparent", theirs));
    assert_eq!(handed_on.header("traceparent"), theirs);
    let records = system.kafka.scan(&system.topics.requested, abacus_testkit::Isolation::Committed);
    for response in [made, handed_on] {
        let id = response.header("x-request-id");
        let record = records.iter().find(|record| record.key == id.as_bytes()).unwrap();
        assert_eq!(record.header("traceparent"), response.header("traceparent"));
        assert!(response.header("server-timing").starts_with("compute;dur="));
    }
}

fn lines(response: &Response) -> BTreeMap<u64, Value> {
    let lines = response.body.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (line["index"].as_u64().unwrap(), line)).collect()
}

#[test]
fn a_batch_of_a_thousand_is_answered_each_in_its_line() {
    let (system, mut services, client) = start();
    let questions: Vec<Question> =
        (0..999).map(|number| pow(&(number + 2).to_string(), "61")).collect();
    let answers = oracle::answers(&system.stack, questions.clone());
    let mut computations: Vec<Value> = questions
        .iter()
        .map(|(operation, operands)| json!({ "operation": operation, "operands": operands }))
        .collect();
    computations.push(json!({ "operation": "factorial", "operands": { "n": "-1" } }));
    let response = client.post_json("/v1/batch", &json!({ "computations": computations }));
    assert_eq!(response.status, 200, "{}", response.body);
    assert_eq!(response.header("content-type"), "application/x-ndjson");
    let lines = lines(&response);
    assert_eq!(lines.len(), 1_000);
    for (index, question) in questions.iter().enumerate() {
        let computation = &lines[&(index as u64)]["computation"];
        assert_eq!(computation["result"], answers[question].as_str(), "{index}");
    }
    assert_eq!(lines[&999]["problem"]["code"], "operand-out-of-range");
    wait_for_waiters(&mut services[0], 0);
}

#[test]
fn a_batch_promises_what_is_not_done_in_its_wait() {
    let system = System::new();
    let mut ingress = system.start(&system.ingress());
    let client = ingress.http();
    let one = json!({ "operation": "factorial", "operands": { "n": 5 } });
    let body = json!({ "computations": vec![one; 200] });
    let response = client.execute(&HttpRequest::post("/v1/batch", body).with("prefer", "wait=1"));
    assert_eq!(response.header("preference-applied"), "wait=1");
    let lines = lines(&response);
    assert_eq!(lines.len(), 200);
    for line in lines.values() {
        assert_eq!(line["computation"]["status"], "pending", "{line}");
    }
    let _processor = system.start(&system.processor());
    let id = lines[&150]["computation"]["request_id"].as_str().unwrap();
    let done = client.get(&format!("/v1/computations/{id}?wait=30"));
    assert_eq!(done.json()["result"], "120");
}
