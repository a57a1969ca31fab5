//! Tests of the rules for all requests and answers.

use super::*;

#[tokio::test]
async fn a_url_or_headers_that_are_too_long_are_problems_with_the_limit() {
    let harness = Harness::new();
    let (status, code, problem) =
        harness.refused(&format!("/v1/fibonacci?n={}", "1".repeat(40_000))).await;
    assert_eq!((status, code.as_str(), &problem["limit"]), (414, "url-too-long", &json!(32_768)));

    let request = Request::get("/v1/operations").header("x-padding", "x".repeat(40_000));
    let answer = harness.send(request.body(Body::empty()).unwrap()).await;
    let (status, code, problem) = Harness::problem(&answer);
    assert_eq!(
        (status, code.as_str(), &problem["limit"]),
        (431, "headers-too-large", &json!(32_768))
    );
}

#[tokio::test]
async fn every_answer_is_safe_in_a_browser_and_has_an_id() {
    let harness = Harness::new();
    let ok = harness.get("/v1/operations").await;
    let missing = harness.get("/nothing").await;
    let refused = harness.get("/v1/fibonacci/x").await;
    for answer in [ok, missing, refused] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.headers[name], value, "{:?}", answer.headers);
        }
        let id = answer.headers["x-request-id"].to_str().unwrap();
        assert!(Uuid::parse_str(id).is_ok(), "{id}");
        assert!(!answer.headers.contains_key("strict-transport-security"));
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn a_well_formed_id_of_the_caller_is_taken_over() {
    let harness = Harness::new();
    let ask = |id: &'static str| {
        let request = Request::get("/nothing").header("x-request-id", id);
        harness.send(request.body(Body::empty()).unwrap())
    };
    assert_eq!(ask("trace-7.a").await.headers["x-request-id"], "trace-7.a");
    let replaced = ask("<script>").await;
    assert!(Uuid::parse_str(replaced.headers["x-request-id"].to_str().unwrap()).is_ok());
}

#[tokio::test]
async fn a_body_that_is_left_unread_ends_the_connection() {
    let harness = Harness::new();
    let says_goodbye = |answer: &harness::Answer| answer.headers.contains_key("connection");
    let unread = Request::post("/nothing").body(Body::from("{}")).unwrap();
    assert!(says_goodbye(&harness.send(unread).await));
    assert!(!says_goodbye(&harness.post("application/json", "{").await));
    assert!(!says_goodbye(&harness.get("/nothing").await));
}

#[tokio::test]
async fn answers_to_computations_say_what_is_left_of_the_quota() {
    let harness = Harness::new();
    let request = Request::get("/v1/pow/2/10").body(Body::empty()).unwrap();
    let answer = harness.answered(request, succeeded()).await;
    assert_eq!(answer.headers["ratelimit-policy"], "\"compute\";q=1200000;w=60;qu=\"cost-units\"");
    assert_eq!(answer.headers["ratelimit"], "\"compute\";r=1199999;t=1");
}

#[tokio::test]
async fn errors_and_look_ups_say_it_too_and_what_costs_nothing_does_not() {
    let harness = Harness::new();
    let request = Request::get("/v1/pow/2/10").body(Body::empty()).unwrap();
    let late = Outcome::Failed { code: "expired".to_owned(), message: "late".to_owned() };
    let failed = harness.answered(request, late).await;
    assert_eq!(failed.headers["ratelimit"], "\"compute\";r=1199999;t=1");
    let missing = harness.get(&format!("/v1/computations/{}", Uuid::nil())).await;
    assert!(!missing.status.is_success());
    assert_eq!(missing.headers["ratelimit"], "\"reads\";r=59999;t=1");
    let refused = harness.get("/v1/fibonacci/x").await;
    assert!(!refused.headers.contains_key("ratelimit"));
}

#[tokio::test]
async fn a_broken_rule_of_http_is_a_problem() {
    let harness = Harness::new();
    for (name, value, status, code) in [
        ("host", "a b", 400, "invalid-host"),
        ("transfer-encoding", "chunked, chunked", 400, "malformed-transfer-encoding"),
        ("transfer-encoding", "gzip, chunked", 501, "unsupported-transfer-coding"),
        ("expect", "a miracle", 417, "unknown-expectation"),
        ("content-encoding", "gzip", 415, "unsupported-content-coding"),
    ] {
        let request = Request::post("/v1/computations").header(name, value);
        let answer = harness.send(request.body(Body::from("{}")).unwrap()).await;
        let (found, problem, _) = Harness::problem(&answer);
        assert_eq!((found, problem.as_str()), (status, code), "{name}");
        let accepted = answer.headers.get("accept-encoding").map(|value| value.to_str().unwrap());
        assert_eq!(accepted, (status == 415).then_some("identity"));
    }
}
