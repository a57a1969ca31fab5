//! Tests of the whole HTTP API. The broker accepts connections and never answers: a request that
//! needs no broker is answered, and a published request waits until the test replies.

mod docs;
mod guards;
mod harness;
mod keys;
mod results;
mod schemas;
mod waiting;

use std::time::Duration;

use abacus_schemas::Outcome;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::*;
use harness::{Harness, succeeded};

#[tokio::test]
async fn every_operation_is_at_its_paths_with_and_without_the_version() {
    let harness = Harness::new();
    for operation in abacus_operations::all() {
        let bad = "/x".repeat(operation.operands().len());
        for prefix in PREFIXES {
            let (status, code, _) =
                harness.refused(&format!("{prefix}/{}{bad}", operation.name())).await;
            assert_eq!((status, code.as_str()), (422, "malformed-operand"));
            let (status, code, _) =
                harness.refused(&format!("{prefix}/{}", operation.name())).await;
            assert_eq!((status, code.as_str()), (422, "missing-operand"));
        }
    }
}

#[tokio::test]
async fn bad_input_is_told_what_to_change() {
    let harness = Harness::new();
    for (path, status, code, hint) in [
        ("/v1/fibonacci/-1", 422, "operand-out-of-range", "0 or more"),
        ("/v1/fibonacci/abc", 422, "malformed-operand", "decimal digits"),
        ("/v1/pow/2/1e9", 422, "malformed-operand", "1000000000 for 1e9"),
        ("/v1/pow/2/100000", 422, "result-too-large", "use smaller operands"),
        ("/pow?base=2", 422, "missing-operand", "exponent"),
        ("/pow?base=2&exp=3&base=4", 422, "repeated-operand", "give it once"),
        ("/pow?base=2&exp=3&z=4", 422, "unexpected-operand", "it takes"),
        ("/v1/fibonacci/5%2F2", 422, "malformed-operand", "decimal digits"),
        ("/v1/fibonacci/%FF", 400, "malformed-url", "UTF-8"),
        ("/v1/fibonacci/5/", 404, "no-such-path", "/v1/fibonacci/{n}"),
        ("/v1/pow/2", 404, "no-such-path", "/v1/pow/{base}/{exponent}"),
        ("/v1/gamma/2", 404, "no-such-path", "/v1/operations"),
        ("//", 404, "no-such-path", "/v1/operations"),
        ("/v1/computations/7", 400, "malformed-id", "UUID"),
    ] {
        let (actual, actual_code, problem) = harness.refused(path).await;
        assert_eq!((actual, actual_code.as_str()), (status, code), "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(hint), "{path}: {problem}");
    }
    assert_eq!(harness.metrics.requests.with_label_values(&["fibonacci", "4xx"]).get(), 3);
    assert_eq!(harness.metrics.requests.with_label_values(&["pow", "5xx"]).get(), 0);
}

#[tokio::test]
async fn bad_bodies_are_told_apart() {
    let harness = Harness::new();
    let json = "application/json";
    let ok = r#"{"operation":"pow","operands":{"base":2,"exponent":"x"}}"#;
    for (content_type, body, status, code) in [
        (json, ok.to_owned(), 422, "malformed-operand"),
        (json, "{".to_owned(), 400, "malformed-json"),
        (json, "[]".to_owned(), 422, "invalid-body"),
        (json, ok.replace("\"x\"", "[]"), 422, "malformed-operand"),
        (json, ok.replace("\"x\"", "1.0"), 422, "malformed-operand"),
        (json, ok.replace("pow", "gamma"), 422, "unknown-operation"),
        (json, " ".repeat(5_000), 413, "body-too-large"),
        ("text/plain", ok.to_owned(), 415, "unsupported-media-type"),
    ] {
        let answer = harness.post(content_type, body.clone()).await;
        let (actual, actual_code, _) = Harness::problem(&answer);
        assert_eq!((actual, actual_code.as_str()), (status, code), "{body}");
    }
}

#[tokio::test]
async fn a_long_operand_is_never_repeated_whole() {
    let harness = Harness::new();
    let name = "x".repeat(3_000);
    let body = format!(r#"{{"operation":"pow","operands":{{"{name}":[]}}}}"#);
    let answer = harness.post("application/json", body).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.len() < 1_000, "{} bytes", answer.body.len());
}

#[tokio::test]
async fn wrong_methods_and_forms_are_problems_too() {
    let harness = Harness::new();
    let request = Request::delete("/v1/operations").body(Body::empty()).unwrap();
    let answer = harness.send(request).await;
    assert_eq!(answer.headers["allow"], "GET,HEAD");
    assert_eq!(Harness::problem(&answer).0, 405);

    let request = Request::get("/v1/fibonacci/5").header("accept", "image/png");
    let answer = harness.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(Harness::problem(&answer).0, 406);
}

#[tokio::test]
async fn a_reply_is_the_answer_in_the_form_asked_for() {
    let harness = Harness::new();
    let request = Request::get("/v1/pow/2/10").body(Body::empty()).unwrap();
    let answer = harness.answered(request, succeeded()).await;
    assert_eq!(
        (answer.status, &answer.headers["cache-status"]),
        (StatusCode::OK, &"abacus-memory; hit".parse().unwrap())
    );
    let json = answer.json();
    assert_eq!((&json["result"], &json["cache"]), (&json!("1024"), &json!("memory")));
    assert_eq!(answer.headers["x-request-id"], json["request_id"].as_str().unwrap());

    let request = Request::get("/pow?base=2&exp=10").header("accept", "text/plain");
    let answer = harness.answered(request.body(Body::empty()).unwrap(), succeeded()).await;
    assert_eq!(answer.body, b"1024");
    assert_eq!(harness.metrics.requests.with_label_values(&["pow", "2xx"]).get(), 2);
}

#[tokio::test]
async fn a_failed_outcome_is_a_problem_with_the_requests_id() {
    let harness = Harness::new();
    let outcome = Outcome::Failed { code: "expired".to_owned(), message: "too late".to_owned() };
    let request = Request::get("/v1/fibonacci/5").body(Body::empty()).unwrap();
    let answer = harness.answered(request, outcome).await;
    let (status, code, problem) = Harness::problem(&answer);
    assert_eq!((status, code.as_str()), (504, "expired"));
    assert_eq!(answer.headers["x-request-id"], problem["request_id"].as_str().unwrap());
}

#[tokio::test]
async fn a_disconnected_caller_leaves_no_waiter() {
    let harness = Harness::new();
    let request = Request::get("/v1/fibonacci/5").body(Body::empty()).unwrap();
    let answer = tokio::time::timeout(Duration::from_millis(100), harness.send(request)).await;
    assert!(answer.is_err());
    assert!(harness.waiters.published().is_empty());
}

#[tokio::test]
async fn what_is_not_known_to_be_written_is_unavailable_at_the_end_of_the_wait() {
    let harness = Harness::waiting(Duration::from_millis(50), 10);
    let answer = harness.get("/v1/fibonacci/5").await;
    let (status, code, _) = Harness::problem(&answer);
    assert_eq!((status, code.as_str()), (503, "unconfirmed"));
    assert_eq!(answer.headers["retry-after"], "1");
}

#[tokio::test]
async fn more_than_the_limit_may_not_wait() {
    let harness = Harness::waiting(Duration::from_mins(1), 0);
    let (status, code, _) = Harness::problem(&harness.get("/v1/fibonacci/5").await);
    assert_eq!((status, code.as_str()), (503, "too-many-waiting"));
}

#[tokio::test]
async fn look_ups_say_that_the_log_is_away() {
    let harness = Harness::new();
    let path = format!("/v1/computations/{}", Uuid::now_v7());
    let (status, code, _) = Harness::problem(&harness.get(&path).await);
    assert_eq!((status, code.as_str()), (503, "request-log-unavailable"));
}

#[tokio::test]
async fn the_catalog_lists_every_operation_with_an_example_that_is_valid() {
    let harness = Harness::new();
    let catalog = harness.get("/v1/operations").await.json();
    let listed = catalog["operations"].as_array().unwrap();
    assert_eq!(listed.len(), abacus_operations::all().len());
    assert_eq!(listed[0]["path"], "/v1/pow/{base}/{exponent}");
    for entry in listed {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/v1/computations")
            .header("content-type", "application/json")
            .body(entry["example"].to_string().into())
            .unwrap();
        assert_eq!(harness.answered(request, succeeded()).await.status, 200);
    }
}

#[tokio::test]
async fn from_the_shutdown_on_every_answer_closes_its_connection() {
    let harness = Harness::new();
    assert!(!harness.get("/v1/operations").await.headers.contains_key("connection"));

    let runtime = abacus_runtime::Runtime::new();
    let harness = Harness::stopping(Duration::from_secs(1), 1, runtime.shutting_down());
    runtime.stop().await;
    assert_eq!(harness.get("/v1/operations").await.headers["connection"], "close");
}

#[tokio::test]
async fn a_panic_is_a_problem() {
    let response = panicked(Box::new("broken"));
    assert_eq!(response.status(), 500);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}
