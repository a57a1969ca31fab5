use std::collections::BTreeMap;

use abacus_schemas::{CacheLevel, ComputeCompleted, ComputeRequested, Outcome, Timestamp};
use axum::body::to_bytes;
use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::*;
use crate::problems::Failure;
use crate::representation::Radix;

const ID: Uuid = Uuid::from_u128(1);

fn completed(outcome: Outcome) -> ComputeCompleted {
    ComputeCompleted {
        request_id: ID.to_string(),
        operation: "pow".to_owned(),
        operands: BTreeMap::from([("base".to_owned(), "2".to_owned())]),
        requester: None,
        source: "http".to_owned(),
        requested_at: Timestamp::from_micros(1_700_000_000_000_001),
        outcome,
        completed_at: Timestamp::from_micros(1_700_000_000_000_999),
        compute_micros: 17,
        cache: CacheLevel::Redis,
        processor: "p1".to_owned(),
    }
}

fn succeeded() -> Computation {
    let outcome = Outcome::Succeeded { result: "1024".to_owned(), digits: 4, bits: 11 };
    Computation::completed(ID, completed(outcome))
}

/// Conditions of a look-up with these headers.
async fn look_up(format: Format, view: View, headers: &[(HeaderName, &str)]) -> Response {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
    let conditions = Conditions::read(&Method::GET, &headers);
    let tag = Tag::of_outcome(&succeeded(), format, view);
    let rendering = Rendering { format, view, conditions: &conditions, tag, began: Instant::now() };
    if let Err(error) = rendering.check_precondition() {
        return Failure::from(error).into_response();
    }
    if let Some(tag) = rendering.matching_tag_or_any() {
        return not_modified(tag);
    }
    let rendered = rendering.render(succeeded()).await.map_err(Failure::from);
    rendered.unwrap_or_else(Failure::into_response)
}

/// Conditions of a POST.
async fn plainly(computation: Computation, format: Format) -> Response {
    let conditions = Conditions::default();
    let (view, began) = (View::default(), Instant::now());
    let rendering = Rendering { format, view, conditions: &conditions, tag: None, began };
    rendering.render(computation).await.unwrap()
}

async fn body(response: Response) -> Vec<u8> {
    to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
}

async fn json(response: Response) -> Value {
    serde_json::from_slice(&body(response).await).unwrap()
}

#[tokio::test]
async fn a_result_is_a_string_with_everything_about_it() {
    let response = plainly(succeeded(), Format::Json).await;
    assert_eq!(response.status(), 200);
    let headers = response.headers();
    assert_eq!(headers["cache-status"], "abacus-redis; hit");
    assert_eq!(headers["x-request-id"], ID.to_string());
    assert_eq!(headers["cache-control"], "no-store");
    assert!(
        headers["server-timing"].to_str().unwrap().starts_with("compute;dur=0.017, total;dur=")
    );
    assert!(!headers.contains_key("etag"));
    assert_eq!(
        json(response).await,
        json!({
            "request_id": "00000000-0000-0000-0000-000000000001",
            "status": "succeeded",
            "operation": "pow",
            "operands": { "base": "2" },
            "result": "1024",
            "digits": 4,
            "bits": 11,
            "requested_at": "2023-11-14T22:13:20.000001Z",
            "completed_at": "2023-11-14T22:13:20.000999Z",
            "compute_micros": 17,
            "cache": "redis",
        })
    );
}

#[tokio::test]
async fn text_is_the_digits_alone() {
    let response = plainly(succeeded(), Format::Text).await;
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(body(response).await, b"1024");
}

#[tokio::test]
async fn pending_says_where_and_when_to_look() {
    let request = ComputeRequested {
        request_id: ID.to_string(),
        operation: "factorial".to_owned(),
        operands: BTreeMap::new(),
        requester: None,
        source: "http".to_owned(),
        requested_at: Timestamp::from_micros(0),
    };
    let response = plainly(Computation::pending(ID, request), Format::Text).await;
    assert_eq!(response.status(), 202);
    let location = "/v1/computations/00000000-0000-0000-0000-000000000001";
    assert_eq!(response.headers()["location"], location);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let json = json(response).await;
    assert_eq!(json["status"], "pending");
    assert!(json.get("result").is_none() && json.get("completed_at").is_none());
}

#[tokio::test]
async fn a_result_is_shortened_and_written_as_asked() {
    let view = View { radix: Radix::Hexadecimal, preview: Some(2) };
    let shown = json(look_up(Format::Json, view, &[]).await).await;
    assert_eq!((&shown["result"], &shown["format"]), (&json!("40"), &json!("hex")));
    assert_eq!((&shown["digits"], &shown["truncated"]), (&json!(4), &json!(true)));
    let view = View { radix: Radix::Decimal, preview: Some(9) };
    let shown = json(look_up(Format::Json, view, &[]).await).await;
    assert_eq!((&shown["result"], &shown["truncated"]), (&json!("1024"), &json!(false)));
}

#[tokio::test]
async fn who_has_it_already_is_told_so() {
    let first = look_up(Format::Json, View::default(), &[]).await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(first.headers()["cache-control"], "private, max-age=31536000, immutable");
    let again = [(header::IF_NONE_MATCH, tag.as_str())];
    let second = look_up(Format::Json, View::default(), &again).await;
    assert_eq!(
        (second.status().as_u16(), &second.headers()["etag"]),
        (304, &first.headers()["etag"])
    );
    assert!(body(second).await.is_empty());
    assert_eq!(look_up(Format::Text, View::default(), &again).await.status(), 200);
}

#[tokio::test]
async fn an_outcome_under_another_tag_is_not_shown() {
    let first = look_up(Format::Json, View::default(), &[]).await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let weak = format!("W/{tag}");
    for (tags, status) in [(&*tag, 200), ("*", 200), (&weak, 412), ("\"other\"", 412)] {
        let headers = [(header::IF_MATCH, tags)];
        let response = look_up(Format::Json, View::default(), &headers).await;
        assert_eq!(response.status(), status, "{tags}");
    }
}

#[tokio::test]
async fn parts_of_the_digits_are_served_while_they_are_the_same() {
    let whole = look_up(Format::Text, View::default(), &[]).await;
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    let tag = whole.headers()["etag"].to_str().unwrap().to_owned();
    for (if_range, status, part) in [(tag.as_str(), 206, "02"), ("\"other\"", 200, "1024")] {
        let headers = [(header::RANGE, "bytes=1-2"), (header::IF_RANGE, if_range)];
        let response = look_up(Format::Text, View::default(), &headers).await;
        assert_eq!(response.status(), status);
        let place = response.headers().get("content-range").map(|value| value.to_str().unwrap());
        assert_eq!(place, (status == 206).then_some("bytes 1-2/4"));
        assert_eq!(body(response).await, part.as_bytes());
    }
    let beyond = look_up(Format::Text, View::default(), &[(header::RANGE, "bytes=4-")]).await;
    assert_eq!(
        (beyond.status().as_u16(), &beyond.headers()["content-range"].to_str().unwrap()),
        (416, &"bytes */4")
    );
    let json = look_up(Format::Json, View::default(), &[(header::RANGE, "bytes=1-2")]).await;
    assert_eq!(json.status(), 200);
}
