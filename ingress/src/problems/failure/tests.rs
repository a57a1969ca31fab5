use std::collections::BTreeMap;

use abacus_identity::CredentialFault;
use abacus_operations::{Limits, prepare};
use axum::body::to_bytes;

use super::*;
use crate::log::{ComputationFailure, LoggedRequest, Status};
use crate::requests::unless_failed;

async fn document(failure: Failure) -> (Response, Value) {
    let (parts, body) = failure.into_response().into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    (Response::from_parts(parts, "".into()), serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn a_refusal_says_what_to_change_in_words_and_in_members() {
    let operands = BTreeMap::from([("n".to_owned(), "1000".to_owned())]);
    let limits = Limits { max_digits: 10, max_operand_digits: 10 };
    let refusal = prepare("factorial", &operands, &limits).unwrap_err();
    let (response, problem) = document(Failure::from(refusal)).await;
    assert_eq!(response.status(), 422);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert!(!response.headers().contains_key("retry-after"));
    assert_eq!(problem["type"], "/problems/result-too-large");
    assert_eq!(problem["status"], 422);
    assert_eq!(problem["code"], "result-too-large");
    assert_eq!(problem["limit"], 10);
    assert_eq!(problem["estimated_digits"], 2_568);
    assert!(problem["detail"].as_str().unwrap().contains("use smaller operands"));
    assert!(problem.get("request_id").is_none());
}

#[tokio::test]
async fn what_may_pass_says_when_to_try_again_and_which_request_it_was() {
    let id = Uuid::now_v7();
    let (response, problem) = document(Failure::with_request_id(id)(RequestError::from(
        abacus_exchange::Error::Unreachable,
    )))
    .await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.headers()[REQUEST_ID], id.to_string());
    assert_eq!(problem["request_id"], id.to_string());
}

#[tokio::test]
async fn a_processors_own_code_is_passed_on_under_a_known_type() {
    let error = RequestError::ComputationFailed {
        code: "panicked".to_owned(),
        message: "it broke".to_owned(),
    };
    let (response, problem) = document(Failure::from(error)).await;
    assert_eq!(response.status(), 500);
    assert_eq!(problem["type"], "/problems/computation-failed");
    assert_eq!(problem["code"], "panicked");
    assert_eq!(problem["detail"], "it broke");
}

#[tokio::test]
async fn the_detail_of_missing_or_bad_credentials_names_the_path_of_this_api() {
    for (error, detail) in [
        (
            IdentityError::Unauthenticated,
            "this needs credentials; sign in at `/v1/login` and send `Authorization: Bearer TOKEN`",
        ),
        (CredentialFault::Expired.into(), "the token has expired; sign in again at `/v1/login`"),
        (CredentialFault::Key.into(), "the API key is not valid; make a new one at `/v1/api-keys`"),
    ] {
        let (_, problem) = document(Failure::from(error)).await;
        assert_eq!(problem["detail"], detail);
    }
}

#[test]
fn a_failed_outcome_is_an_error() {
    let failure = ComputationFailure { code: "expired".to_owned(), message: "too late".to_owned() };
    let request = LoggedRequest {
        request_id: Uuid::from_u128(1),
        requester: None,
        status: Status::Failed,
        operation: "pow".to_owned(),
        operands: BTreeMap::new(),
        result: None,
        failure: Some(failure),
        requested_at: String::new(),
        completion: None,
    };
    let error = Error::from(unless_failed(request.into()).unwrap_err());
    assert_eq!((error.class().status.as_u16(), error.to_string().as_str()), (504, "too late"));
}
