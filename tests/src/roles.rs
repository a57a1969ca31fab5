//! What each operation answers to whom. An operation of the `OpenAPI` document that has no row here
//! fails, and so does a row without an operation.

use std::collections::BTreeSet;

use abacus_testkit::{Client, PATIENCE, Response, System, wait_until};
use serde_json::Value;

use crate::openapi;

/// The statuses of one request by whoever asks.
struct Row {
    /// As the document has it: `GET /v1/computations/{id}`.
    operation: &'static str,
    /// What is asked for. `{own}` stands for the id of a request of `user`'s (of nobody's, where
    /// anonymous computing is on).
    path: &'static str,
    /// JSON, if there is a body.
    body: &'static str,
    /// By nobody, where anonymous computing is on.
    anonymous: u16,
    /// By nobody where it is off, by its user, by another user, by an administrator.
    #[expect(dead_code, reason = "there are no users yet")]
    roles: [u16; 4],
}

const fn get(operation: &'static str, path: &'static str, anonymous: u16, roles: [u16; 4]) -> Row {
    Row { operation, path, body: "", anonymous, roles }
}

const fn post(operation: &'static str, body: &'static str, anonymous: u16, roles: [u16; 4]) -> Row {
    Row { operation, path: "", body, anonymous, roles }
}

/// For everybody, whoever they are.
const OPEN: [u16; 4] = [200, 200, 200, 200];
/// For everybody with an account.
const USERS: [u16; 4] = [401, 200, 200, 200];
/// For the user whose it is, and for administrators.
const OWNERS: [u16; 4] = [401, 200, 404, 200];
/// For administrators.
const ADMINS: [u16; 4] = [401, 403, 403, 200];

const ROWS: [Row; 22] = [
    get("GET /", "/", 200, OPEN),
    get("GET /openapi.json", "/openapi.json", 200, OPEN),
    get("GET /problems", "/problems", 200, OPEN),
    get("GET /problems/{code}", "/problems/internal", 200, OPEN),
    get("GET /v1/operations", "/v1/operations", 200, OPEN),
    get("GET /pow", "/pow?base=2&exponent=3", 200, USERS),
    get("GET /pow/{base}/{exponent}", "/pow/2/3", 200, USERS),
    get("GET /fibonacci", "/fibonacci?n=5", 200, USERS),
    get("GET /fibonacci/{n}", "/fibonacci/5", 200, USERS),
    get("GET /factorial", "/factorial?n=5", 200, USERS),
    get("GET /factorial/{n}", "/factorial/5", 200, USERS),
    get("GET /v1/pow", "/v1/pow?base=2&exponent=3", 200, USERS),
    get("GET /v1/pow/{base}/{exponent}", "/v1/pow/2/3", 200, USERS),
    get("GET /v1/fibonacci", "/v1/fibonacci?n=5", 200, USERS),
    get("GET /v1/fibonacci/{n}", "/v1/fibonacci/5", 200, USERS),
    get("GET /v1/factorial", "/v1/factorial?n=5", 200, USERS),
    get("GET /v1/factorial/{n}", "/v1/factorial/5", 200, USERS),
    post("POST /v1/computations", r#"{"operation":"factorial","operands":{"n":5}}"#, 200, USERS),
    get("GET /v1/computations/{id}", "/v1/computations/{own}", 200, OWNERS),
    get("GET /v1/computations", "/v1/computations", 401, USERS),
    get("GET /v1/admin/history", "/v1/admin/history", 401, ADMINS),
    get("GET /secure-history", "/secure-history", 401, ADMINS),
];

impl Row {
    /// Asks as whoever `client` is.
    #[track_caller]
    fn ask(&self, client: &Client, own: &str) -> Response {
        let (method, path) = self.operation.split_once(' ').expect("a method and a path");
        let path = if self.path.is_empty() { path } else { self.path }.replace("{own}", own);
        match method {
            "GET" => client.get(&path),
            "POST" => client.post("/v1/computations", "application/json", self.body),
            other => panic!("{other} is not known here"),
        }
    }
}

/// A request of `client`'s that is in the log.
#[track_caller]
fn logged_request(client: &Client) -> String {
    let answer = client.get("/v1/fibonacci/7").json();
    let id = answer["request_id"].as_str().expect("an id").to_owned();
    wait_until("a request in the log", PATIENCE, || {
        let found = client.get(&format!("/v1/computations/{id}"));
        let status = if found.status == 200 { found.json()["status"].clone() } else { Value::Null };
        if status == "succeeded" { Ok(()) } else { Err(found.body) }
    });
    id
}

#[test]
fn every_operation_of_the_document_has_a_row_and_answers_nobody_as_it_says() {
    let system = System::new();
    let [mut ingress, _processor, _projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let client = ingress.http();
    let described: BTreeSet<String> = openapi::operations(&client).into_iter().collect();
    let rows: BTreeSet<String> = ROWS.iter().map(|row| row.operation.to_owned()).collect();
    assert_eq!(described, rows, "the document's operations, and those with a row");
    let own = logged_request(&client);
    for row in &ROWS {
        let answer = row.ask(&client, &own);
        assert_eq!(answer.status, row.anonymous, "{}: {}", row.operation, answer.body);
    }
}
