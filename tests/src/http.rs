//! Computations over HTTP, with all parts running.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use abacus_testkit::{Client, PATIENCE, Response, Service, System, wait_until};
use serde_json::json;

use crate::history::History;
use crate::oracle::{self, Question};

/// A whole Abacus, shared by tests that only send requests, as long as one of them runs.
struct Abacus {
    system: System,
    client: Client,
    _services: [Service; 3],
}

fn shared() -> Arc<Abacus> {
    static SHARED: Mutex<Weak<Abacus>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let abacus = Arc::new(Abacus::start());
        *shared = Arc::downgrade(&abacus);
        abacus
    })
}

impl Abacus {
    fn start() -> Self {
        let system = System::new();
        let mut services =
            system.start_all([system.ingress(), system.processor(), system.projector()]);
        let client = services[0].http();
        Self { system, client, _services: services }
    }
}

fn question(operation: &str, operands: &[(&str, &str)]) -> Question {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    (operation.to_owned(), operands.iter().map(owned).collect())
}

/// Operands for each operation: small, zero, one, negative and large.
fn questions() -> Vec<Question> {
    let pow = |base, exponent| question("pow", &[("base", base), ("exponent", exponent)]);
    let of_n = |operation, n| question(operation, &[("n", n)]);
    vec![
        pow("2", "10"),
        pow("-3", "41"),
        pow("0", "0"),
        pow("-1", "99999999999999999999"),
        pow("98765432109876543210987654321", "123"),
        pow("2", "100000"),
        of_n("fibonacci", "0"),
        of_n("fibonacci", "1"),
        of_n("fibonacci", "93"),
        of_n("fibonacci", "12345"),
        of_n("factorial", "0"),
        of_n("factorial", "21"),
        of_n("factorial", "5000"),
    ]
}

/// Requests a computation over every path and body format.
fn ask_every_way(client: &Client, (operation, operands): &Question) -> Vec<(String, Response)> {
    let query = |name_of: fn(&str) -> &str| {
        let pairs: Vec<String> =
            operands.iter().map(|(name, value)| format!("{}={value}", name_of(name))).collect();
        format!("{operation}?{}", pairs.join("&"))
    };
    let in_path: Vec<&str> = operands.values().map(String::as_str).collect();
    let path = format!("{operation}/{}", in_path.join("/"));
    let mut paths = vec![path, query(|name| name)];
    if operation == "pow" {
        paths.push(query(|name| if name == "exponent" { "exp" } else { "base" }));
    }
    let mut answers = Vec::new();
    for path in paths {
        for path in [format!("/v1/{path}"), format!("/{path}")] {
            answers.push((path.clone(), client.get(&path)));
        }
    }
    let strings = json!({ "operation": operation, "operands": operands });
    let numbers: Vec<String> =
        operands.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
    let numbers = format!("{{\"operands\":{{{}}},\"operation\":{operation:?}}}", numbers.join(","));
    let path = "/v1/computations";
    answers.push((format!("{path} with strings"), client.post_json(path, &strings)));
    let with_charset = "application/json; charset=utf-8";
    answers.push((format!("{path} with {numbers}"), client.post(path, with_charset, numbers)));
    answers
}

#[test]
fn every_way_to_ask_for_a_computation_gives_the_right_result() {
    let abacus = shared();
    // Python cannot compute this power in the available memory. The result is -1.
    let (beyond, questions): (Vec<_>, Vec<_>) = questions()
        .into_iter()
        .partition(|(_, operands)| operands.get("base").is_some_and(|base| base == "-1"));
    let mut answers = oracle::answers(&abacus.system.stack, questions);
    answers.extend(beyond.into_iter().map(|question| (question, "-1".to_owned())));
    for (question, answer) in &answers {
        for (way, response) in ask_every_way(&abacus.client, question) {
            assert_eq!(response.status, 200, "{way}: {}", response.body);
            let body = response.json();
            assert_eq!(body["result"], answer.as_str(), "{way}");
            assert_eq!(body["status"], "succeeded");
            assert_eq!(body["operation"], question.0);
            assert_eq!(body["operands"], json!(question.1));
            assert_eq!(body["digits"], answer.trim_start_matches('-').len());
            assert_eq!(response.header("x-request-id"), body["request_id"]);
            assert_eq!(response.header("content-type"), "application/json");
        }
        let (operation, operands) = question;
        let in_path: Vec<&str> = operands.values().map(String::as_str).collect();
        let path = format!("/v1/{operation}/{}", in_path.join("/"));
        assert_eq!(abacus.client.get_with(&path, ("accept", "text/plain")).body, *answer);
    }
}

#[test]
fn fibonacci_of_100000_has_all_its_digits_and_comes_from_the_cache_the_second_time() {
    let abacus = shared();
    let path = "/v1/fibonacci/100000";
    let (first, second) = (abacus.client.get(path), abacus.client.get(path));
    let question = question("fibonacci", &[("n", "100000")]);
    let answer = &oracle::answers(&abacus.system.stack, [question.clone()])[&question];
    assert_eq!(answer.len(), 20_899);
    for response in [&first, &second] {
        assert_eq!(response.status, 200, "{}", response.body);
        assert_eq!(response.json()["result"], answer.as_str());
        assert_eq!(response.json()["digits"], 20_899);
    }
    assert_eq!(first.json()["cache"], "none");
    assert_ne!(second.json()["cache"], "none");
    assert!(second.header("cache-status").ends_with("hit"), "{:?}", second.headers);
    assert_eq!(second.json()["compute_micros"], 0);
    for response in [first, second] {
        let id = response.json()["request_id"].as_str().unwrap().to_owned();
        let row = wait_until("its row", PATIENCE, || {
            let mut log = abacus.system.database.log().into_iter();
            let row = log.find(|row| row.request_id == id && row.result.is_some());
            row.ok_or_else(|| "no finished row".to_owned())
        });
        assert_eq!(row.result.as_ref(), Some(answer));
        assert_eq!(row.cache.unwrap().to_lowercase(), response.json()["cache"]);
        assert_eq!((row.source.as_str(), row.requester), ("http", None));
        let looked_up = abacus.client.get(&format!("/v1/computations/{id}"));
        assert_eq!((looked_up.status, looked_up.json()["result"].as_str()), (200, Some(&**answer)));
    }
}

#[test]
fn results_never_reach_another_caller() {
    const CALLERS: usize = 16;
    const EACH: usize = 40;
    let abacus = shared();
    // The base is unique, so a result of another caller differs.
    let questions: Vec<Question> = (0..CALLERS * EACH)
        .map(|number| question("pow", &[("base", &(number + 2).to_string()), ("exponent", "97")]))
        .collect();
    let answers = oracle::answers(&abacus.system.stack, questions.clone());
    let callers: Vec<_> = questions
        .chunks(EACH)
        .map(|mine| {
            let (client, mine) = (abacus.client.clone(), mine.to_vec());
            thread::spawn(move || -> Vec<(Question, Response)> {
                let ask = |question: Question| {
                    let response = client.get(&format!("/v1/pow/{}/97", question.1["base"]));
                    (question, response)
                };
                mine.into_iter().map(ask).collect()
            })
        })
        .collect();
    let mut ids = BTreeMap::new();
    for (question, response) in callers.into_iter().flat_map(|caller| caller.join().unwrap()) {
        assert_eq!(response.status, 200, "{}", response.body);
        let body = response.json();
        assert_eq!(body["result"], answers[&question].as_str());
        assert_eq!(body["operands"], json!(question.1));
        ids.insert(body["request_id"].to_string(), question);
    }
    assert_eq!(ids.len(), CALLERS * EACH);
}

#[test]
fn the_log_says_what_the_events_say() {
    let abacus = Abacus::start();
    for number in 0..20 {
        let path = format!("/v1/factorial/{}", number % 7);
        assert_eq!(abacus.client.get(&path).status, 200);
    }
    let history = History::complete(&abacus.system, PATIENCE);
    assert_eq!(history.requested.len(), 20);
    history.assert_right(&abacus.system);
    history.assert_logged(&abacus.system, PATIENCE);
}

#[test]
fn what_is_not_done_in_the_wait_is_promised_and_done_later() {
    let mut system = System::new();
    system.set("ABACUS_WAIT", "500ms");
    let [mut ingress, _projector] = system.start_all([system.ingress(), system.projector()]);
    let client = ingress.http();
    let promised = client.get("/v1/fibonacci/300");
    assert_eq!(promised.status, 202, "{}", promised.body);
    assert_eq!(promised.json()["status"], "pending");
    assert!(promised.json().get("result").is_none());
    let location = promised.header("location").to_owned();
    let id = promised.json()["request_id"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("/v1/computations/{id}"));
    assert_eq!(promised.header("x-request-id"), id);
    wait_until("the log to know the request", PATIENCE, || match client.get(&location) {
        found if found.status == 202 => Ok(()),
        other => Err(other.body),
    });

    let _processor = system.start(&system.processor());
    let done = wait_until("the result", PATIENCE, || match client.get(&location) {
        done if done.status == 200 => Ok(done.json()),
        other => Err(format!("{} {}", other.status, other.body)),
    });
    assert_eq!(done["status"], "succeeded", "{done}");
    let question = question("fibonacci", &[("n", "300")]);
    let answer = &oracle::answers(&system.stack, [question.clone()])[&question];
    assert_eq!(done["result"], answer.as_str());
    History::complete(&system, PATIENCE).assert_logged(&system, PATIENCE);
}
