//! Accounts, sessions, API keys and roles, as seen by callers of one or two instances.

mod administration;
mod api_keys;
mod outage;
mod passwords;
mod sessions;
mod tokens;

use std::time::Duration;

use abacus_testkit::{Client, Response, Service, System, wait_until};
use serde_json::{Value, json};

/// Longest time until every instance refuses a revoked credential.
const BOUND: Duration = Duration::from_secs(2);

pub(crate) const PASSWORD: &str = "correct horse battery";
const BOOTSTRAP: &str = "the-one-bootstrap-token-of-this-test";

/// A computation that needs credentials.
const QUESTION: &str = "/v1/fibonacci/90";

/// A system without anonymous callers, and with a bootstrap token.
pub(crate) fn system() -> System {
    let mut system = System::new();
    system.set("ABACUS_ANONYMOUS", "false");
    system.set("ABACUS_BOOTSTRAP_TOKEN", BOOTSTRAP);
    system
}

/// An instance, and a client without credentials.
fn start(system: &System) -> (Service, Client) {
    let mut ingress = system.start(&system.ingress());
    let client = ingress.http();
    (ingress, client)
}

/// Two instances, and a client without credentials for each.
fn start_two(system: &System) -> ([Service; 2], [Client; 2]) {
    let second = format!("{}-ingress-2", system.name());
    let second = system.ingress().set("ABACUS_INSTANCE_ID", second);
    let mut services = system.start_all([system.ingress(), second]);
    let clients = services.each_mut().map(Service::http);
    (services, clients)
}

#[track_caller]
pub(crate) fn register(client: &Client, name: &str) {
    let answer =
        client.post_json("/v1/register", &json!({ "username": name, "password": PASSWORD }));
    assert_eq!(answer.status, 201, "{}", answer.body);
}

fn try_login(client: &Client, name: &str, password: &str) -> Response {
    client.post_json("/v1/login", &json!({ "username": name, "password": password }))
}

/// Signs in. Returns a client with the session.
#[track_caller]
pub(crate) fn login(client: &Client, name: &str) -> Client {
    let answer = try_login(client, name, PASSWORD);
    assert_eq!(answer.status, 200, "{}", answer.body);
    client.with_token(answer.json()["access_token"].as_str().unwrap())
}

/// Registers a user and signs in.
#[track_caller]
pub(crate) fn user(client: &Client, name: &str) -> Client {
    register(client, name);
    login(client, name)
}

fn bootstrap(client: &Client, name: &str, token: &str) -> Response {
    let asked = json!({
        "username": name, "password": PASSWORD, "role": "admin", "bootstrap_token": token,
    });
    client.post_json("/v1/register", &asked)
}

/// Registers the first administrator and signs in.
#[track_caller]
pub(crate) fn admin(client: &Client) -> Client {
    let answer = bootstrap(client, "root", BOOTSTRAP);
    assert_eq!(answer.status, 201, "{}", answer.body);
    login(client, "root")
}

/// Asserts that an answer is the problem `code` with `status`, in the common form of problems.
#[track_caller]
fn assert_problem(answer: &Response, status: u16, code: &str) -> Value {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(answer.status == 401, !answer.header("www-authenticate").is_empty());
    problem
}

#[track_caller]
fn assert_lets_in(client: &Client) {
    let answer = client.get("/v1/me");
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[track_caller]
fn assert_refuses(client: &Client) {
    assert_problem(&client.get("/v1/me"), 401, "invalid-credentials");
}

/// Waits until `client` is refused, at most for the bound.
#[track_caller]
fn wait_refused(client: &Client) {
    wait_until("the credentials to be refused", BOUND, || match client.get("/v1/me") {
        answer if answer.status == 401 => Ok(()),
        answer => Err(format!("{} {}", answer.status, answer.body)),
    });
}

/// Acts and outcomes about `subject` in the audit log, oldest first.
fn audited(system: &System, subject: &str) -> Vec<(String, String)> {
    let select = "SELECT act, outcome FROM audit_log WHERE subject = $1 ORDER BY audit_id";
    let rows = system.database.connect().query(select, &[&subject]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}
