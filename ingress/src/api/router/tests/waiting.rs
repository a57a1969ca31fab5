//! Waits of callers, and the answers at the end of a wait.

use abacus_http::fields::request_id::REQUEST_ID;

use super::*;

async fn fibonacci(harness: &Harness, prefer: &str) -> harness::Answer {
    let request = Request::get("/v1/fibonacci/5").header("prefer", prefer);
    harness.accepted(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn who_prefers_not_to_wait_is_promised_an_answer_once_the_request_is_written() {
    let harness = Harness::new();
    for (prefer, applied) in [
        ("respond-async", "respond-async"),
        ("wait=0", "wait=0"),
        ("respond-async, wait=0", "respond-async, wait=0"),
    ] {
        let answer = fibonacci(&harness, prefer).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
        assert_eq!(answer.headers["preference-applied"], applied);
        assert_eq!(answer.headers["retry-after"], "1");
        let id = answer.headers[REQUEST_ID].to_str().unwrap();
        assert_eq!(answer.headers["location"], format!("/v1/computations/{id}"));
        assert_eq!(answer.json()["status"], "pending");
    }
    assert_eq!(harness.metrics.waiters.get(), 0);
}

#[tokio::test]
async fn a_result_in_time_is_the_answer_and_only_the_wait_was_honoured() {
    let harness = Harness::new();
    let request = Request::get("/v1/pow/2/10").header("prefer", "respond-async, wait=20");
    let answer = harness.answered(request.body(Body::empty()).unwrap(), succeeded()).await;
    assert_eq!(
        (answer.status, answer.headers["preference-applied"].as_bytes()),
        (StatusCode::OK, &b"wait=20"[..])
    );
}

#[tokio::test]
async fn what_was_promised_is_at_its_location_at_once_although_the_log_is_away() {
    let harness = Harness::new();
    let promised = fibonacci(&harness, "respond-async").await;
    let location = promised.headers["location"].to_str().unwrap().to_owned();
    let pending = harness.get(&location).await;
    assert_eq!((pending.status, pending.json()), (StatusCode::ACCEPTED, promised.json()));

    let id = Uuid::parse_str(promised.json()["request_id"].as_str().unwrap()).unwrap();
    let request = Request::get(&location).header("prefer", "wait=20").body(Body::empty()).unwrap();
    let (done, ()) = tokio::join!(harness.send(request), async {
        harness.attached().await;
        harness.reply(id, succeeded());
    });
    assert_eq!((done.status, &done.json()["result"]), (StatusCode::OK, &json!("1024")));
    assert_eq!(done.headers["preference-applied"], "wait=20");
    assert_eq!(harness.get(&location).await.json(), done.json());
    assert_eq!(harness.metrics.waiters.get(), 0);
}

#[tokio::test]
async fn a_long_poll_ends_as_pending_and_frees_its_waiter() {
    let harness = Harness::waiting(Duration::from_millis(50), 10);
    let promised = fibonacci(&harness, "respond-async").await;
    let location = promised.headers["location"].to_str().unwrap().to_owned();
    let request = Request::get(&location).header("prefer", "wait=9").body(Body::empty()).unwrap();
    let answer = harness.send(request).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert!(!answer.headers.contains_key("preference-applied"), "it waited less than a second");
    assert_eq!(harness.metrics.waiters.get(), 0);
}

#[tokio::test]
async fn a_disconnected_poll_leaves_no_waiter() {
    let harness = Harness::new();
    let promised = fibonacci(&harness, "respond-async").await;
    let location = promised.headers["location"].to_str().unwrap().to_owned();
    let request = Request::get(&location).header("prefer", "wait=9").body(Body::empty()).unwrap();
    tokio::select! {
        _ = harness.send(request) => panic!("answered"),
        () = harness.attached() => {}
    }
    assert_eq!(harness.metrics.waiters.get(), 0);
}

#[tokio::test]
async fn a_failure_is_found_as_what_became_of_the_request() {
    let harness = Harness::new();
    let promised = fibonacci(&harness, "respond-async").await;
    let id = Uuid::parse_str(promised.json()["request_id"].as_str().unwrap()).unwrap();
    harness.reply(id, Outcome::Failed { code: "expired".to_owned(), message: "late".to_owned() });
    let found = harness.get(promised.headers["location"].to_str().unwrap()).await;
    assert_eq!((found.status, &found.json()["status"]), (StatusCode::OK, &json!("failed")));
    assert_eq!(found.json()["error"]["code"], "expired");
}

#[tokio::test]
async fn events_tell_each_status_once() {
    let harness = Harness::new();
    let promised = fibonacci(&harness, "respond-async").await;
    let path = format!("{}/events", promised.headers["location"].to_str().unwrap());
    let id = Uuid::parse_str(promised.json()["request_id"].as_str().unwrap()).unwrap();
    let ask = |seen: Option<&str>| {
        let mut request = Request::get(&path).header("accept", "text/event-stream");
        if let Some(seen) = seen {
            request = request.header("last-event-id", seen);
        }
        harness.send(request.body(Body::empty()).unwrap())
    };
    let reply = async {
        harness.attached().await;
        harness.reply(id, succeeded());
    };
    let (whole, ()) = tokio::join!(ask(None), reply);
    assert_eq!(whole.headers["content-type"], "text/event-stream");
    let text = String::from_utf8(whole.body).unwrap();
    let events: Vec<&str> = text.trim_end().split("\n\n").collect();
    assert_eq!(events.len(), 2, "{text}");
    for (event, (id, status)) in events.iter().zip([("1", "pending"), ("2", "succeeded")]) {
        assert!(
            event.contains(&format!("id: {id}\n")) || event.ends_with(&format!("id: {id}")),
            "{event}"
        );
        assert!(
            event.contains("event: status\n") && event.contains(&format!("\"{status}\"")),
            "{event}"
        );
    }
    let rest = String::from_utf8(ask(Some("1")).await.body).unwrap();
    assert_eq!(rest.trim_end(), events[1]);
    assert_eq!(ask(Some("2")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(harness.metrics.waiters.get(), 0);
}

#[tokio::test]
async fn a_reader_of_events_who_leaves_frees_the_waiter() {
    let harness = Harness::new();
    let promised = fibonacci(&harness, "respond-async").await;
    let path = format!("{}/events", promised.headers["location"].to_str().unwrap());
    tokio::select! {
        _ = harness.get(&path) => panic!("it ended"),
        () = harness.attached() => {}
    }
    assert_eq!(harness.metrics.waiters.get(), 0);
}
