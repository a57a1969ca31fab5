//! Waiting for results, and returning for them: to the same instance, to another one, and after a
//! crash.

use std::thread;

use abacus_testkit::{
    Client, HttpRequest, PATIENCE, Response, Service, ServiceSetup, System, wait_until,
};
use serde_json::{Value, json};

use crate::history::History;
use crate::oracle::{self, Question};

/// Two instances that differ in name and reply partition.
pub(crate) fn two_ingresses(system: &System) -> [Service; 2] {
    system.start_all([0, 1].map(|number| instance(system, number)))
}

/// The instance with this number, which is also the number of its reply partition.
pub(crate) fn instance(system: &System, number: u32) -> ServiceSetup {
    system
        .ingress()
        .set("ABACUS_INSTANCE_ID", format!("{}-{number}", system.name()))
        .set("ABACUS_REPLY_PARTITION", number.to_string())
}

fn question(n: &str) -> Question {
    ("fibonacci".to_owned(), [("n".to_owned(), n.to_owned())].into())
}

#[track_caller]
fn promised(client: &Client, path: &str, prefer: &str) -> String {
    let response = client.get_with(path, ("prefer", prefer));
    assert_eq!(response.status, 202, "{}", response.body);
    assert_eq!(response.header("preference-applied"), prefer);
    assert_ne!(response.header("retry-after"), "");
    response.header("location").to_owned()
}

fn in_background<T: Send + 'static>(
    client: &Client,
    ask: impl FnOnce(&Client) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let client = client.clone();
    thread::spawn(move || ask(&client))
}

#[track_caller]
pub(crate) fn wait_for_waiters(ingress: &mut Service, count: u64) {
    wait_until(&format!("{count} waiters"), PATIENCE, || {
        match ingress.count("abacus_ingress_waiters", &[]) {
            waiting if waiting == count => Ok(()),
            waiting => Err(format!("{waiting} wait")),
        }
    });
}

#[track_caller]
fn assert_result(system: &System, response: &Response, n: &str) {
    assert_eq!(response.status, 200, "{}", response.body);
    let question = question(n);
    let answer = &oracle::answers(&system.stack, [question.clone()])[&question];
    assert_eq!(response.json()["result"], answer.as_str());
}

#[test]
fn a_request_accepted_by_one_instance_is_attached_to_and_answered_by_the_other() {
    let system = System::new();
    let [mut first, mut second] = two_ingresses(&system);
    let (here, there) = (first.http(), second.http());
    let location = promised(&here, "/v1/fibonacci/301", "respond-async");
    // The instance knows a new request before the projector has written a row.
    assert_eq!(here.get(&location).status, 202);

    let _projector = system.start(&system.projector());
    // The other instance knows the request as soon as the log has a row.
    wait_until("the log to know the request", PATIENCE, || match there.get(&location) {
        found if found.status == 202 => Ok(()),
        other => Err(other.body),
    });
    let path = location.clone();
    let attached: Vec<_> = [(&here, "1"), (&there, "2"), (&there, "3")]
        .map(|(client, _)| {
            let path = path.clone();
            in_background(client, move |client| client.get_with(&path, ("prefer", "wait=30")))
        })
        .into();
    let path = format!("{location}/events");
    let events = in_background(&there, move |client| client.get(&path));
    wait_for_waiters(&mut first, 1);
    wait_for_waiters(&mut second, 3);

    let _processor = system.start(&system.processor());
    let answers: Vec<Response> =
        attached.into_iter().map(|attached| attached.join().unwrap()).collect();
    for answer in &answers {
        assert_result(&system, answer, "301");
        assert_eq!(answer.header("preference-applied"), "wait=30");
    }
    let events = events.join().unwrap();
    assert_eq!(events.header("content-type"), "text/event-stream");
    let told: Vec<Value> = events
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!(told.len(), 2, "{}", events.body);
    assert_eq!((&told[0]["status"], &told[1]["status"]), (&json!("pending"), &json!("succeeded")));

    // The answer from the reply equals the answer from the log.
    let (of_reply, of_log) = (here.get(&location), there.get(&location));
    assert_eq!(of_reply.body, of_log.body);
    assert_ne!(of_reply.header("etag"), "");
    assert_eq!(of_reply.header("etag"), of_log.header("etag"));
    assert_eq!(first.count("abacus_ingress_attached_total", &[("source", "reply")]), 1);
    assert!(second.count("abacus_ingress_attached_total", &[("source", "log")]) >= 3);
    for service in [&mut first, &mut second] {
        wait_for_waiters(service, 0);
    }
}

#[test]
fn who_comes_back_gets_the_result_although_its_instance_was_killed() {
    let system = System::new();
    let [mut first, mut second] = two_ingresses(&system);
    let _projector = system.start(&system.projector());
    let location = promised(&first.http(), "/v1/fibonacci/302", "respond-async");
    first.kill();
    let there = second.http();
    let waiting = {
        let location = location.clone();
        in_background(&there, move |client| client.get_with(&location, ("prefer", "wait=30")))
    };
    wait_for_waiters(&mut second, 1);
    let _processor = system.start(&system.processor());
    assert_result(&system, &waiting.join().unwrap(), "302");
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.requested.len(), 1);
    history.assert_logged(&system, PATIENCE);
}

#[test]
fn nobody_waits_longer_than_they_prefer_and_unknown_ids_are_told_soon() {
    let system = System::new();
    let [mut ingress, _projector] = system.start_all([system.ingress(), system.projector()]);
    let client = ingress.http();
    for prefer in ["wait=1", "respond-async, wait=1", "wait=0", "respond-async"] {
        let location = promised(&client, "/v1/fibonacci/303", prefer);
        let still = client.get(&format!("{location}?wait=1"));
        assert_eq!((still.status, still.header("preference-applied")), (202, "wait=1"));
    }
    let young = uuid::Uuid::now_v7();
    for id in [young.to_string(), "01890a5d-ac96-774b-bcce-b302099a8057".to_owned()] {
        for path in
            [format!("/v1/computations/{id}?wait=20"), format!("/v1/computations/{id}/events")]
        {
            let unknown = client.get(&path);
            assert_eq!(
                (unknown.status, &unknown.json()["code"]),
                (404, &json!("no-such-computation"))
            );
        }
    }
    wait_for_waiters(&mut ingress, 0);
}

#[test]
fn the_log_is_asked_for_nothing_while_nobody_attaches() {
    let system = System::new();
    let [mut ingress, _processor, _projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let client = ingress.http();
    for n in 0..20 {
        assert_eq!(client.get(&format!("/v1/fibonacci/{n}")).status, 200);
    }
    assert_eq!(ingress.count("abacus_ingress_watcher_queries_total", &[]), 0);
    // A recent answer needs no query of the log.
    let answered = client.get("/v1/fibonacci/304");
    let location = format!("/v1/computations/{}", answered.header("x-request-id"));
    assert_eq!(client.get(&location).body, answered.body);
    assert_eq!(ingress.count("abacus_ingress_watcher_queries_total", &[]), 0);
}

#[test]
fn a_caller_who_leaves_frees_the_waiter() {
    let system = System::new();
    let mut ingress = system.start(&system.ingress());
    let client = ingress.http();
    let location = promised(&client, "/v1/fibonacci/305", "respond-async");
    let hasty = client.with_short_timeout();
    for path in [
        format!("{location}?wait=30"),
        format!("{location}/events"),
        "/v1/fibonacci/306".to_owned(),
    ] {
        assert!(hasty.try_execute(&HttpRequest::get(&path)).is_err(), "{path} was answered");
    }
    wait_for_waiters(&mut ingress, 0);
}
