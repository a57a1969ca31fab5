//! Idempotency keys while Postgres is unavailable. The tests with Postgres are in the workspace's
//! `tests/`.

use abacus_identity::{Caller, Credential, Role, User};

use super::*;

fn keyed(key: &str) -> Request {
    let request = Request::get("/v1/pow/2/10").header("idempotency-key", key);
    request.body(Body::empty()).unwrap()
}

fn ada() -> Caller {
    let credential = Credential::Session(Uuid::nil());
    Caller::User(User { id: Uuid::nil(), name: "ada".into(), role: Role::User, credential })
}

#[tokio::test]
async fn a_key_is_somebodys() {
    let harness = Harness::new();
    let (status, code, _) = Harness::problem(&harness.send(keyed("\"one\"")).await);
    assert_eq!((status, code.as_str()), (401, "idempotency-key-needs-credentials"));
    let (status, code, _) = Harness::problem(&harness.send(keyed("a b")).await);
    assert_eq!((status, code.as_str()), (400, "malformed-idempotency-key"));
}

#[tokio::test]
async fn without_postgres_nothing_is_computed_under_a_key() {
    let harness = Harness::new();
    let mut request = keyed("\"one\"");
    request.extensions_mut().insert(ada());
    let answer = harness.send(request).await;
    let (status, code, _) = Harness::problem(&answer);
    assert_eq!((status, code.as_str()), (503, "idempotency-unavailable"));
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(harness.metrics.keyed.with_label_values(&["unavailable"]).get(), 1);
    assert_eq!(harness.metrics.waiters.get(), 0);
}

#[tokio::test]
async fn what_is_somebody_elses_is_unknown() {
    let harness = Harness::new();
    let ask = |path: &str, headers: &[(&str, &str)]| {
        let request =
            headers.iter().fold(Request::get(path), |r, (name, value)| r.header(*name, *value));
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ada());
        request
    };
    let promised = harness.accepted(ask("/v1/pow/2/10", &[("prefer", "respond-async")])).await;
    let location = promised.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(harness.send(ask(&location, &[])).await.status, StatusCode::ACCEPTED);
    for path in [location.clone(), format!("{location}/events")] {
        let (status, code, _) = Harness::problem(&harness.get(&path).await);
        assert_eq!((status, code.as_str()), (404, "no-such-computation"), "{path}");
    }
}

#[tokio::test]
async fn only_a_computation_takes_its_caller_from_the_test() {
    let harness = Harness::new();
    for path in ["/v1/me", "/v1/computations", "/v1/admin/users"] {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ada());
        let (status, code, _) = Harness::problem(&harness.send(request).await);
        assert_eq!((status, code.as_str()), (401, "unauthenticated"), "{path}");
    }
}
