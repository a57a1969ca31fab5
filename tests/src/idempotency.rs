//! Idempotency keys on real servers: one request for each key, in spite of crashed instances and
//! repeated calls.

use std::collections::BTreeSet;
use std::thread;

use abacus_testkit::{
    Client, Fault, FaultProxy, HttpError, HttpRequest, Isolation, PATIENCE, Record, Response,
    Service, System, wait_until,
};
use serde_json::{Value, json};

use crate::history::History;
use crate::waiting::{two_ingresses, wait_for_waiters};

const PASSWORD: &str = "eleven purple abaci 42";

/// Registers and signs in a user. Returns the value of `Authorization`.
#[track_caller]
fn sign_in(client: &Client, name: &str) -> String {
    let credentials = json!({ "username": name, "password": PASSWORD });
    let registered = client.post_json("/v1/register", &credentials);
    assert_eq!(registered.status, 201, "{}", registered.body);
    let signed_in = client.post_json("/v1/login", &credentials);
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    format!("Bearer {}", signed_in.json()["access_token"].as_str().unwrap())
}

/// A caller at one instance.
#[derive(Clone)]
pub(crate) struct Caller {
    client: Client,
    authorization: String,
}

impl Caller {
    #[track_caller]
    pub(crate) fn of(ingress: &mut Service, name: &str) -> Self {
        let client = ingress.http();
        let authorization = sign_in(&client, name);
        Self { client, authorization }
    }

    /// The caller at another instance, as soon as the instance knows the account.
    #[track_caller]
    pub(crate) fn at(&self, ingress: &mut Service) -> Self {
        let there = Self { client: ingress.http(), ..self.clone() };
        let me = HttpRequest::get("/v1/me").with("authorization", &there.authorization);
        wait_until("the caller to be known", PATIENCE, || match there.client.execute(&me) {
            known if known.status == 200 => Ok(()),
            other => Err(other.body),
        });
        there
    }

    #[track_caller]
    pub(crate) fn ask(&self, key: &str, n: &str) -> Response {
        self.ask_preferring(key, n, "wait=30")
    }

    /// Asks an instance that may die before the answer.
    pub(crate) fn try_ask(&self, key: &str, n: &str) -> Result<Response, HttpError> {
        let body = json!({ "operation": "fibonacci", "operands": { "n": n } });
        self.client.try_execute(&self.keyed(HttpRequest::post("/v1/computations", body), key))
    }

    #[track_caller]
    fn ask_preferring(&self, key: &str, n: &str, prefer: &str) -> Response {
        let body = json!({ "operation": "fibonacci", "operands": { "n": n } });
        let request = HttpRequest::post("/v1/computations", body).with("prefer", prefer);
        self.client.execute(&self.keyed(request, key))
    }

    fn keyed<'a>(&'a self, request: HttpRequest<'a>, key: &'a str) -> HttpRequest<'a> {
        request.with("authorization", &self.authorization).with("idempotency-key", key)
    }

    fn ask_in_background(
        &self,
        key: &'static str,
        n: &'static str,
    ) -> thread::JoinHandle<Response> {
        let caller = self.clone();
        thread::spawn(move || caller.ask(key, n))
    }
}

fn id(response: &Response) -> String {
    assert!(matches!(response.status, 200 | 202), "{} {}", response.status, response.body);
    response.json()["request_id"].as_str().unwrap().to_owned()
}

fn is_replay(response: &Response) -> bool {
    response.header("idempotency-replayed") == "true"
}

pub(crate) fn requested(system: &System) -> Vec<Record> {
    system.kafka.scan(&system.topics.requested, Isolation::Committed)
}

#[track_caller]
fn wait_for_request(system: &System) -> Record {
    wait_until("the request to be in the topic", PATIENCE, || {
        requested(system).pop().ok_or_else(|| "it is empty".to_owned())
    })
}

#[test]
fn a_retry_anywhere_has_the_same_answer_and_another_computation_is_refused() {
    let system = System::new();
    let [mut first, mut second] = two_ingresses(&system);
    let [_processor, _projector] = system.start_all([system.processor(), system.projector()]);
    let here = Caller::of(&mut first, "ada");
    let there = here.at(&mut second);
    let original = here.ask("\"one\"", "400");
    assert_eq!(original.status, 200, "{}", original.body);
    assert!(!is_replay(&original));
    assert_ne!(original.header("idempotency-expires"), "");
    // A quoted key equals the unquoted key, and a different spelling of a number is an equal
    // computation.
    for (caller, key, n) in
        [(&here, "one", "400"), (&there, "\"one\"", "400"), (&there, "one", "0400")]
    {
        let again = caller.ask(key, n);
        assert_eq!((again.status, &again.body), (200, &original.body));
        assert!(is_replay(&again));
        assert_eq!(again.header("idempotency-expires"), original.header("idempotency-expires"));
    }
    let by_query = there.keyed(HttpRequest::get("/fibonacci?n=400"), "one");
    assert_eq!(there.client.execute(&by_query).body, original.body);
    for caller in [&here, &there] {
        let other = caller.ask("one", "401");
        assert_eq!((other.status, &other.json()["code"]), (422, &json!("idempotency-key-reused")));
    }
    // Each caller has separate keys.
    let bob = Caller::of(&mut second, "bob").ask("one", "401");
    assert_eq!(bob.status, 200);
    assert_ne!(id(&bob), id(&original));
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.requested.len(), 2);
    history.assert_logged(&system, PATIENCE);
}

#[test]
fn a_retry_after_its_instance_was_killed_has_the_same_id_and_result() {
    let system = System::new();
    let [mut first, mut second] = two_ingresses(&system);
    let _projector = system.start(&system.projector());
    let here = Caller::of(&mut first, "ada");
    let there = here.at(&mut second);
    let cut_off = {
        let caller = here.clone();
        thread::spawn(move || caller.try_ask("one", "402"))
    };
    wait_for_waiters(&mut first, 1);
    let record = wait_for_request(&system);
    first.kill();
    assert!(cut_off.join().unwrap().is_err(), "it was answered");

    let refused = there.ask("one", "403");
    assert_eq!(refused.status, 422, "{}", refused.body);
    let retry = there.ask_in_background("one", "402");
    wait_for_waiters(&mut second, 1);
    let _processor = system.start(&system.processor());
    let retry = retry.join().unwrap();
    assert_eq!((retry.status, is_replay(&retry)), (200, true), "{}", retry.body);
    assert_eq!(id(&retry).as_bytes(), record.key);
    let history = History::complete(&system, PATIENCE);
    history.assert_right(&system);
    assert_eq!(history.requested.len(), 1);
    assert_eq!(requested(&system).len(), 1, "it was written twice");
    history.assert_logged(&system, PATIENCE);
}

#[test]
fn many_calls_at_once_under_one_key_compute_once() {
    let system = System::new();
    let [mut first, mut second] = two_ingresses(&system);
    let [_processor, _projector] = system.start_all([system.processor(), system.projector()]);
    let here = Caller::of(&mut first, "ada");
    let callers = [here.clone(), here.at(&mut second)];
    let calls: Vec<_> =
        (0..20).map(|number| callers[number % 2].ask_in_background("\"many\"", "404")).collect();
    let answers: Vec<Response> = calls.into_iter().map(|call| call.join().unwrap()).collect();
    let bodies: BTreeSet<&str> = answers.iter().map(|answer| answer.body.as_str()).collect();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(answers.iter().filter(|answer| !is_replay(answer)).count(), 1);
    assert_eq!(requested(&system).len(), 1);
    let count = |ingress: &mut Service, outcome| {
        ingress.count("abacus_ingress_keyed_requests_total", &[("outcome", outcome)])
    };
    let mut total = |outcome| count(&mut first, outcome) + count(&mut second, outcome);
    assert_eq!((total("claimed"), total("replayed")), (1, 19));
}

#[test]
fn who_does_not_wait_may_ask_again_under_the_key() {
    let system = System::new();
    let [mut first, mut second] = two_ingresses(&system);
    let here = Caller::of(&mut first, "ada");
    let there = here.at(&mut second);
    let promised = here.ask_preferring("one", "405", "respond-async");
    assert_eq!(promised.status, 202);
    let again = there.ask_preferring("one", "405", "respond-async");
    assert_eq!((again.status, &again.body), (202, &promised.body));
    assert!(is_replay(&again));
    assert_eq!(again.header("location"), promised.header("location"));
    assert_eq!(requested(&system).len(), 1);
}

/// Inserts a key claimed by an instance that crashed.
fn claim(system: &System, id: &str, n: &str, lease: &str) {
    let mut database = system.database.connect();
    let statement = format!(
        "INSERT INTO idempotency_keys (requester, key, fingerprint, request_id, requested_at,
                                       leased_until, expires_at)
         VALUES ('ada', 'one', sha256('fibonacci({n})'), '{id}', '2026-01-01T00:00:00.123456Z',
                 now() + interval '{lease}', now() + interval '1 day')"
    );
    database.batch_execute(&statement).unwrap();
}

#[test]
fn a_claim_that_was_never_written_is_taken_over_under_its_id() {
    let system = System::new();
    let [mut ingress, _processor, _projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let ada = Caller::of(&mut ingress, "ada");
    let crashed = uuid::Uuid::now_v7().to_string();
    claim(&system, &crashed, "406", "2 seconds");
    // During the lease, no other instance writes the request or promises an answer.
    let refused = ada.ask("one", "407");
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(requested(&system).len(), 0);
    let answer = ada.ask("one", "406");
    assert_eq!((answer.status, id(&answer)), (200, crashed.clone()));
    assert_eq!(answer.json()["requested_at"], "2026-01-01T00:00:00.123456Z");
    assert!(!is_replay(&answer));
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.requested.keys().collect::<Vec<_>>(), [&crashed]);
    history.assert_logged(&system, PATIENCE);
}

#[test]
fn a_claim_that_was_written_and_not_marked_is_not_written_again() {
    let system = System::new();
    let [mut ingress, _processor, _projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let ada = Caller::of(&mut ingress, "ada");
    let original = ada.ask("one", "408");
    system.database.wait_for_log(1, PATIENCE);
    let mut database = system.database.connect();
    wait_until("the mark", PATIENCE, || {
        let statement = "UPDATE idempotency_keys SET written_at = NULL, leased_until = now()
                         WHERE written_at IS NOT NULL";
        match database.execute(statement, &[]).unwrap() {
            1 => Ok(()),
            rows => Err(format!("{rows} rows")),
        }
    });
    let again = ada.ask("one", "408");
    assert_eq!((again.status, &again.body), (200, &original.body));
    assert!(is_replay(&again));
    assert_eq!(requested(&system).len(), 1);
}

#[test]
fn a_key_that_has_expired_stands_for_nothing() {
    let mut system = System::new();
    system.set("ABACUS_IDEMPOTENCY_LIFETIME", "1s");
    system.set("ABACUS_DELIVERY_TIMEOUT", "1s");
    let [mut ingress, _processor] = system.start_all([system.ingress(), system.processor()]);
    let ada = Caller::of(&mut ingress, "ada");
    let original = id(&ada.ask("one", "409"));
    wait_until("the key to expire", PATIENCE, || match ada.ask("one", "410") {
        answer if answer.status == 200 && id(&answer) != original => Ok(()),
        answer => Err(answer.body),
    });
}

#[test]
fn while_postgres_is_away_nothing_is_computed_under_a_key() {
    let mut system = System::new();
    let server = system.stack.postgres.rsplit_once('@').unwrap().1;
    let server = server.split('/').next().unwrap().parse().unwrap();
    let proxy = FaultProxy::in_front_of(server);
    system.set("ABACUS_POSTGRES_URL", system.database.url_through(proxy.address()));
    let [mut ingress, _processor] = system.start_all([system.ingress(), system.processor()]);
    let ada = Caller::of(&mut ingress, "ada");
    assert_eq!(ada.ask("one", "411").status, 200);
    for fault in [Fault::Cut, Fault::Blackhole] {
        let before = (proxy.hits(), requested(&system).len());
        proxy.set(fault);
        for (key, n) in [("one", "411"), ("two", "412")] {
            let refused = ada.ask(key, n);
            assert_eq!(refused.status, 503, "{}", refused.body);
            assert_eq!(refused.json()["code"], "idempotency-unavailable");
            assert_ne!(refused.header("retry-after"), "");
        }
        assert!(proxy.hits() > before.0, "{fault:?} hit nothing");
        assert_eq!(requested(&system).len(), before.1, "something was computed");
        let plain = HttpRequest::get("/v1/fibonacci/413").with("authorization", &ada.authorization);
        assert_eq!(ada.client.execute(&plain).status, 200);
        proxy.set(Fault::None);
        wait_until("Postgres to be back", PATIENCE, || match ada.ask("one", "411") {
            answer if answer.status == 200 => Ok(()),
            answer => Err(answer.body),
        });
    }
}

#[test]
fn nobody_has_no_key_and_a_batch_takes_none() {
    let system = System::new();
    let mut ingress = system.start(&system.ingress());
    let client = ingress.http();
    let request = HttpRequest::get("/v1/fibonacci/5").with("idempotency-key", "one");
    let code =
        |response: Response| -> (u16, Value) { (response.status, response.json()["code"].clone()) };
    assert_eq!(code(client.execute(&request)), (401, json!("idempotency-key-needs-credentials")));
    let body = json!({ "computations": [{ "operation": "fibonacci", "operands": { "n": 5 } }] });
    let batch = HttpRequest::post("/v1/batch", body).with("idempotency-key", "one");
    assert_eq!(code(client.execute(&batch)), (400, json!("idempotency-key-not-for-batches")));
}
