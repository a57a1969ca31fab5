//! Forms of results, over the whole router.

use super::*;

fn get(path: &str, headers: &[(&str, &str)]) -> Request {
    let request = Request::get(path);
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

const TEXT: (&str, &str) = ("accept", "text/plain");

#[tokio::test]
async fn parameters_shape_the_result_and_are_no_operands() {
    let harness = Harness::new();
    for path in ["/v1/pow/2/10?format=hex&digits=2", "/pow?base=2&exp=10&format=hex&digits=2"] {
        let answer = harness.answered(get(path, &[]), succeeded()).await;
        let json = answer.json();
        assert_eq!((&json["result"], &json["truncated"]), (&json!("40"), &json!(true)), "{path}");
        let text = harness.answered(get(path, &[TEXT]), succeeded()).await;
        assert_eq!(text.body, b"40");
    }
    for path in ["/v1/pow/2/10?digits=0", "/pow?base=2&exp=10&format=oct", "/v1/pow/2/10?wait=x"] {
        let (status, code, problem) = harness.refused(path).await;
        assert_eq!((status, code.as_str()), (400, "invalid-parameter"), "{path}: {problem}");
    }
}

#[tokio::test]
async fn what_the_caller_has_is_not_computed_again() {
    let harness = Harness::new();
    for accept in [TEXT, ("accept", "application/json")] {
        let first = harness.answered(get("/v1/pow/2/10", &[accept]), succeeded()).await;
        assert_eq!(first.headers["cache-control"], "private, max-age=31536000, immutable");
        assert_eq!(first.headers["vary"], "accept, authorization, accept-encoding");
        let tag = first.headers["etag"].to_str().unwrap();
        // An equal computation, spelled differently. The test sends no reply.
        let known = get(
            "/pow?exp=+010&base=2".replace('+', "").as_str(),
            &[accept, ("if-none-match", tag)],
        );
        let again = harness.send(known).await;
        assert_eq!(
            (again.status, again.headers["etag"].to_str().unwrap()),
            (StatusCode::NOT_MODIFIED, tag)
        );
        // `*` matches only an existing answer, and a computation may not have an answer yet. So `*`
        // does not avoid the computation.
        for (other, status) in [("\"other\"", 200), ("*", 304)] {
            let other = get("/v1/pow/2/10", &[accept, ("if-none-match", other)]);
            assert_eq!(harness.answered(other, succeeded()).await.status, status);
        }
    }
    assert_eq!(harness.metrics.waiters.get(), 0);
}

#[tokio::test]
async fn a_star_does_not_match_a_pending_answer() {
    let harness = Harness::waiting(Duration::from_millis(10), 10);
    let request = get("/v1/pow/2/10", &[TEXT, ("if-none-match", "*")]);
    assert_eq!(harness.accepted(request).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_computation_under_another_tag_is_not_started() {
    let harness = Harness::new();
    let path = "/v1/pow/2/10";
    let first = harness.answered(get(path, &[TEXT]), succeeded()).await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    let listed = format!("\"other\", {tag}");
    for met in [&tag, &listed, "*"] {
        let request = get(path, &[TEXT, ("if-match", met)]);
        assert_eq!(harness.answered(request, succeeded()).await.status, 200, "{met}");
    }
    // The condition comes before `If-None-Match` (RFC 9110, section 13.2.2).
    let weak = format!("W/{tag}");
    for unmet in [&weak, "\"other\"", ""] {
        let request = get(path, &[TEXT, ("if-match", unmet), ("if-none-match", &tag)]);
        let refused = Harness::problem(&harness.send(request).await);
        assert_eq!((refused.0, refused.1.as_str()), (412, "precondition-failed"), "{unmet}");
    }
    // The tag of a JSON answer to a computation is weak.
    let json = harness.answered(get(path, &[]), succeeded()).await;
    let request = get(path, &[("if-match", json.headers["etag"].to_str().unwrap())]);
    assert_eq!(harness.send(request).await.status, 412);
}

#[tokio::test]
async fn a_post_has_no_tag_to_match() {
    let harness = Harness::new();
    let post = |tags: &'static str| {
        let request = Request::post("/v1/computations").header("content-type", "application/json");
        let body = r#"{"operation":"pow","operands":{"base":2,"exponent":10}}"#;
        request.header("if-match", tags).body(body.into()).unwrap()
    };
    let refused = Harness::problem(&harness.send(post("\"a\"")).await);
    assert_eq!((refused.0, refused.1.as_str()), (412, "precondition-failed"));
    assert_eq!(harness.answered(post("*"), succeeded()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn posts_are_never_kept() {
    let harness = Harness::new();
    let request = Request::post("/v1/computations")
        .header("content-type", "application/json")
        .header("if-none-match", "*")
        .header("range", "bytes=0-0")
        .header("accept", "text/plain")
        .body(r#"{"operation":"pow","operands":{"base":2,"exponent":10}}"#.into())
        .unwrap();
    let answer = harness.answered(request, succeeded()).await;
    assert_eq!((answer.status, answer.body.as_slice()), (StatusCode::OK, &b"1024"[..]));
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.headers.contains_key("etag"));
}

#[tokio::test]
async fn parts_of_the_digits_can_be_had() {
    let harness = Harness::new();
    let path = "/v1/pow/2/10";
    let part = harness.answered(get(path, &[TEXT, ("range", "bytes=-3")]), succeeded()).await;
    assert_eq!((part.status, part.body.as_slice()), (StatusCode::PARTIAL_CONTENT, &b"024"[..]));
    assert_eq!(part.headers["content-range"], "bytes 1-3/4");
    let beyond = harness.answered(get(path, &[TEXT, ("range", "bytes=9-")]), succeeded()).await;
    assert_eq!(Harness::problem(&beyond).0, 416);
    assert_eq!(beyond.headers["content-range"], "bytes */4");
}

#[tokio::test]
async fn a_head_has_the_headers_and_no_body() {
    let harness = Harness::new();
    let request = Request::head("/v1/pow/2/10").header("accept", "text/plain");
    let head = harness.answered(request.body(Body::empty()).unwrap(), succeeded()).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.headers["content-length"], "4");
    let whole = harness.answered(get("/v1/pow/2/10", &[TEXT]), succeeded()).await;
    assert_eq!(head.headers["etag"], whole.headers["etag"]);
}

#[tokio::test]
async fn long_results_are_compressed_and_tagged_by_their_coding() {
    let harness = Harness::new();
    let long = || Outcome::Succeeded { result: "7".repeat(5_000), digits: 5_000, bits: 16_610 };
    let path = "/v1/pow/2/10";
    let whole = harness.answered(get(path, &[TEXT]), long()).await;
    let tag = whole.headers["etag"].to_str().unwrap().to_owned();
    for coding in ["gzip", "zstd"] {
        let request = get(path, &[TEXT, ("accept-encoding", coding)]);
        let coded = harness.answered(request, long()).await;
        assert_eq!(coded.headers["content-encoding"], coding);
        assert!(coded.body.len() < 500, "{coding}: {} bytes", coded.body.len());
        let coded_tag = coded.headers["etag"].to_str().unwrap();
        assert_eq!(coded_tag, format!("{}-{coding}\"", tag.trim_end_matches('"')));
        let known = harness.send(get(path, &[TEXT, ("if-none-match", coded_tag)])).await;
        assert_eq!(known.status, StatusCode::NOT_MODIFIED);
        assert_eq!(known.headers["etag"], coded_tag);
        // A range of one coding is no range of another coding.
        let request = get(path, &[TEXT, ("range", "bytes=0-1"), ("if-range", coded_tag)]);
        assert_eq!(harness.answered(request, long()).await.body, whole.body);
    }
    let part = get(path, &[TEXT, ("accept-encoding", "gzip"), ("range", "bytes=0-1999")]);
    let part = harness.answered(part, long()).await;
    assert_eq!((part.body.len(), part.headers.get("content-encoding")), (2000, None));
    let short = get(path, &[TEXT, ("accept-encoding", "gzip")]);
    assert_eq!(harness.answered(short, succeeded()).await.body, b"1024");
}

#[tokio::test]
async fn the_trace_comes_back_and_is_made_where_there_is_none() {
    let harness = Harness::new();
    let theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = get("/v1/pow/2/10", &[("traceparent", theirs)]);
    assert_eq!(harness.answered(request, succeeded()).await.headers["traceparent"], theirs);
    let made = harness.answered(get("/v1/pow/2/10", &[]), succeeded()).await;
    let id = made.headers["x-request-id"].to_str().unwrap().replace('-', "");
    assert!(made.headers["traceparent"].to_str().unwrap().starts_with(&format!("00-{id}-")));
    assert!(
        made.headers["server-timing"].to_str().unwrap().starts_with("compute;dur=0.005, total;")
    );
}

#[tokio::test]
async fn a_known_answer_has_a_trace_too() {
    let harness = Harness::new();
    let first = harness.answered(get("/v1/pow/2/10", &[TEXT]), succeeded()).await;
    let known = ("if-none-match", first.headers["etag"].to_str().unwrap());
    let theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let again = harness.send(get("/v1/pow/2/10", &[TEXT, known, ("traceparent", theirs)])).await;
    assert_eq!(
        (again.status, again.headers["traceparent"].to_str().unwrap()),
        (StatusCode::NOT_MODIFIED, theirs)
    );
    let again = harness.send(get("/v1/pow/2/10", &[TEXT, known])).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    let made = again.headers["traceparent"].as_bytes();
    assert!(abacus_schemas::headers::is_traceparent(made));
}

#[tokio::test]
async fn a_batch_is_answered_line_by_line() {
    let harness = Harness::new();
    let one = r#"{"operation":"pow","operands":{"base":2,"exponent":10}}"#;
    let body = format!(r#"{{"computations":[{one},{{"operation":"gamma","operands":{{}}}},7]}}"#);
    let request = Request::post("/v1/batch?digits=2")
        .header("content-type", "application/json")
        .header("accept", "application/x-ndjson")
        .body(body.into())
        .unwrap();
    let answer = harness.answered(request, succeeded()).await;
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    let text = String::from_utf8(answer.body).unwrap();
    let mut lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.sort_by_key(|line| line["index"].as_u64());
    assert_eq!(lines[0]["computation"]["result"], "10");
    assert_eq!(lines[1]["problem"]["code"], "unknown-operation");
    assert_eq!(lines[2]["problem"]["code"], "invalid-body");
    assert_eq!(lines.len(), 3);
    assert_eq!(harness.metrics.waiters.get(), 0);
}

#[tokio::test]
async fn a_batch_that_nobody_reads_on_frees_its_waiters() {
    let harness = Harness::new();
    let one = r#"{"operation":"pow","operands":{"base":2,"exponent":10}}"#;
    let body = format!(r#"{{"computations":[{one},{one},{one}]}}"#);
    let request = Request::post("/v1/batch").header("content-type", "application/json");
    tokio::select! {
        _ = harness.send(request.body(body.into()).unwrap()) => panic!("it ended"),
        () = async { while harness.metrics.waiters.get() < 3 { tokio::task::yield_now().await; } } => {}
    }
    assert_eq!(harness.metrics.waiters.get(), 0);
}

#[tokio::test]
async fn a_batch_as_a_whole_is_refused_like_other_bodies() {
    let harness = Harness::new();
    for (content_type, body, key, status, code) in [
        ("application/json", "{", "", 400, "malformed-json"),
        ("application/json", r#"{"computations":[]}"#, "", 422, "batch-size"),
        ("text/plain", r#"{"computations":[1]}"#, "", 415, "unsupported-media-type"),
        (
            "application/json",
            r#"{"computations":[1]}"#,
            "k",
            400,
            "idempotency-key-not-for-batches",
        ),
    ] {
        let mut request = Request::post("/v1/batch").header("content-type", content_type);
        if !key.is_empty() {
            request = request.header("idempotency-key", key);
        }
        let answer = harness.send(request.body(body.into()).unwrap()).await;
        let (actual, actual_code, _) = Harness::problem(&answer);
        assert_eq!((actual, actual_code.as_str()), (status, code), "{body}");
    }
}
