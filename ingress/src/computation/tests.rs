use axum::body::to_bytes;
use serde_json::{Value, json};

use super::*;

fn completed(outcome: Outcome) -> ComputeCompleted {
    ComputeCompleted {
        request_id: Uuid::from_u128(1).to_string(),
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
    Computation::of(Uuid::from_u128(1), completed(outcome))
}

async fn body(response: Response) -> Vec<u8> {
    to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
}

#[tokio::test]
async fn a_result_is_a_string_with_everything_about_it() {
    let response = succeeded().into_response(Format::Json);
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-status"], "abacus-redis; hit");
    assert_eq!(response.headers()["x-request-id"], Uuid::from_u128(1).to_string());
    let json: Value = serde_json::from_slice(&body(response).await).unwrap();
    assert_eq!(
        json,
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
    let response = succeeded().into_response(Format::Text);
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(body(response).await, b"1024");
}

#[tokio::test]
async fn pending_says_where_and_when_to_look() {
    let request = ComputeRequested {
        request_id: Uuid::from_u128(1).to_string(),
        operation: "factorial".to_owned(),
        operands: BTreeMap::new(),
        requester: None,
        source: "http".to_owned(),
        requested_at: Timestamp::from_micros(0),
    };
    let computation = Computation::pending(Uuid::from_u128(1), request);
    let response = computation.into_response(Format::Text);
    assert_eq!(response.status(), 202);
    let location = "/v1/computations/00000000-0000-0000-0000-000000000001";
    assert_eq!(response.headers()["location"], location);
    assert_eq!(response.headers()["retry-after"], "1");
    let json: Value = serde_json::from_slice(&body(response).await).unwrap();
    assert_eq!(json["status"], "pending");
    assert!(json.get("result").is_none() && json.get("completed_at").is_none());
}

#[test]
fn a_failed_outcome_is_an_error() {
    let outcome = Outcome::Failed { code: "expired".to_owned(), message: "too late".to_owned() };
    let error =
        Computation::of(Uuid::from_u128(1), completed(outcome)).unless_failed().unwrap_err();
    assert_eq!((error.class().status.as_u16(), error.to_string().as_str()), (504, "too late"));
}
