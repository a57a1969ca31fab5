use abacus_http::edge::body_guard::hold_body_until_written;
use abacus_identity::Caller;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::StreamExt as _;

use super::*;

fn from(last: u8) -> ClientAddress {
    ClientAddress([192, 0, 2, last].into())
}

fn anonymous(last: u8) -> Client {
    Client::new(Caller::Anonymous, from(last), Ledger::default())
}

fn violated(result: Result<(), Error>) -> &'static str {
    match result {
        Ok(()) => "none",
        Err(Error::QuotaExceeded { policy, .. }) => policy.name(),
        Err(_) => "another",
    }
}

#[tokio::test]
async fn attempts_are_limited_by_address_and_by_account() {
    let limits = [("ABACUS_LIMIT_AUTH_ADDRESS", "4/1h"), ("ABACUS_LIMIT_AUTH_ACCOUNT", "2/1h")];
    let quotas = Quotas::local_with(&limits);
    for (address, name, expected) in [
        (1, "ada", "none"),
        (1, "Ada", "none"),
        (1, "ada", AUTH_ACCOUNT),
        (2, "ada", "none"),
        (1, "bob", "none"),
        (1, "cy", AUTH_ADDRESS),
        (4, "bob", "none"),
    ] {
        let attempt = quotas.admit_attempt(from(address), name, &Ledger::default()).await;
        assert_eq!(violated(attempt), expected, "{name} from {address}");
    }
}

#[tokio::test]
async fn an_account_is_not_tried_from_everywhere_without_end() {
    let limits = [("ABACUS_LIMIT_AUTH_ADDRESS", "off"), ("ABACUS_LIMIT_AUTH_ACCOUNT", "1/1h")];
    let quotas = Quotas::local_with(&limits);
    for address in 0..10 {
        assert_eq!(
            violated(quotas.admit_attempt(from(address), "ada", &Ledger::default()).await),
            "none"
        );
    }
    assert_eq!(
        violated(quotas.admit_attempt(from(10), "ada", &Ledger::default()).await),
        AUTH_ACCOUNT_TOTAL
    );
    assert_eq!(violated(quotas.admit_attempt(from(10), "bob", &Ledger::default()).await), "none");
    assert_eq!(violated(quotas.admit_unauthenticated(from(10), &Ledger::default()).await), "none");
}

#[tokio::test]
async fn changes_are_limited_by_user() {
    let quotas = Quotas::local_with(&[("ABACUS_LIMIT_CHANGES", "1/1h")]);
    let [ada, bob] = ["ada", "bob"].map(Arc::from);
    assert_eq!(violated(quotas.admit_change(&ada, &Ledger::default()).await), "none");
    assert_eq!(violated(quotas.admit_change(&ada, &Ledger::default()).await), CHANGES);
    assert_eq!(violated(quotas.admit_change(&bob, &Ledger::default()).await), "none");
}

#[tokio::test]
async fn computing_and_reading_are_limited_apart() {
    let limits = [("ABACUS_LIMIT_COMPUTE", "10/1h"), ("ABACUS_LIMIT_READS", "1/1h")];
    let quotas = Quotas::local_with(&limits);
    let client = anonymous(1);
    let compute = |operations| {
        let load = Load { cost: Cost::from_word_operations(operations), bytes: 1 };
        quotas.admit(&client, load)
    };
    assert!(compute(8 * OPERATIONS_PER_UNIT).await.is_ok());
    assert_eq!(
        violated(compute(OPERATIONS_PER_UNIT).await.map(drop)),
        COMPUTE,
        "it costs two, and one is left"
    );
    assert!(compute(0).await.is_ok());
    assert_eq!(violated(quotas.admit_read(&client).await), "none");
    assert_eq!(violated(quotas.admit_read(&client).await), READS);
}

#[tokio::test]
async fn a_limit_can_be_off() {
    let quotas = Quotas::local_with(&[
        ("ABACUS_LIMIT_AUTH_ADDRESS", "off"),
        ("ABACUS_LIMIT_COMPUTE", "off"),
    ]);
    for number in 0..1_000 {
        let attempt = quotas.admit_attempt(from(1), &number.to_string(), &Ledger::default()).await;
        assert_eq!(violated(attempt), "none");
    }
    let load = Load { cost: Cost::from_word_operations(u64::MAX), bytes: 1 };
    let client = anonymous(1);
    drop(quotas.admit(&client, load).await.unwrap());
    let mut response = Response::<()>::default();
    quotas.write_statuses(&client.ledger.take(), response.headers_mut());
    assert!(response.headers().is_empty());
}

#[tokio::test]
async fn an_answer_counts_as_memory_until_its_last_byte_is_written() {
    let quotas = Quotas::local_with(&[("ABACUS_MAX_IN_FLIGHT_BYTES", "1000B")]);
    let load = Load { cost: Cost::MINIMUM, bytes: 400 };
    let client = anonymous(1);
    drop(quotas.admit(&client, load).await.unwrap());
    let response = Response::new(Body::from("digits"));
    let permits = client.ledger.take().permits;
    let mut body = hold_body_until_written(response, permits).into_body().into_data_stream();
    let piece = body.next().await.unwrap().unwrap();
    drop(body);
    let is_full = || quotas.hold_answer(&anonymous(2), 601).is_err();
    assert!(is_full(), "the piece waits for its reader");
    drop(piece);
    assert!(!is_full());
}

#[tokio::test]
async fn a_refusal_for_lack_of_memory_costs_no_units() {
    let settings = [("ABACUS_LIMIT_COMPUTE", "2/1h"), ("ABACUS_MAX_IN_FLIGHT_BYTES", "10B")];
    let quotas = Quotas::local_with(&settings);
    let quotas = &quotas;
    let admit = |last, bytes| async move {
        let client = anonymous(last);
        let permit = quotas.admit(&client, Load { cost: Cost::MINIMUM, bytes }).await;
        permit.map(|permit| (permit, client))
    };
    let all = admit(1, 10).await.unwrap();
    for _ in 0..5 {
        assert!(matches!(admit(2, 1).await, Err(Error::OutOfMemory)));
    }
    drop(all);
    assert!(admit(2, 1).await.is_ok());
}

#[tokio::test]
async fn an_answer_says_what_is_left_of_all_that_it_cost() {
    let quotas = Quotas::local();
    let ledger = Ledger::default();
    quotas.admit_attempt(from(1), "ada", &ledger).await.unwrap();
    let mut response = Response::<()>::default();
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    quotas.write_statuses(&ledger.take(), response.headers_mut());
    let members = response.headers().get_all("ratelimit").iter();
    let members: Vec<&str> = members.map(|member| member.to_str().unwrap()).collect();
    let expected = [
        "\"auth-address\";r=119;t=1",
        "\"auth-account\";r=19;t=30",
        "\"auth-account-total\";r=199;t=3",
    ];
    assert_eq!(members, expected);
}
