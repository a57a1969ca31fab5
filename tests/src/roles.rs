//! Answers of each operation to each role. An operation of the `OpenAPI` document without a row
//! fails, as does a row without an operation.

use std::collections::BTreeSet;

use abacus_testkit::{Client, PATIENCE, Response, System, wait_until};
use serde_json::{Value, json};

use crate::identity::{self, PASSWORD, login, register};
use crate::openapi;

/// The statuses of a request, by caller.
struct Row {
    /// The operation as in the document: `GET /v1/computations/{id}`.
    operation: &'static str,
    /// Path, with placeholders.
    path: &'static str,
    /// JSON body, or an empty text.
    body: &'static str,
    /// Status for an anonymous caller, in a system with anonymous callers and without accounts.
    /// `{own}` is an anonymous request.
    anonymous: u16,
    /// Statuses without anonymous callers: for a caller without credentials, the user, another
    /// user, and an administrator. In the path and the body, `{own}` is a request of the user,
    /// `{key}` an API key of the user, `{caller}` the name of the caller, and `{password}` the
    /// common password.
    roles: [u16; 4],
}

/// The callers, in the order of [`Row::roles`].
const CALLERS: [&str; 4] = ["nobody", "user", "other", "root"];
/// The user comes last, as a request by the user may delete the object.
const ORDER: [usize; 4] = [0, 2, 3, 1];

const fn get(operation: &'static str, path: &'static str, anonymous: u16, roles: [u16; 4]) -> Row {
    Row { operation, path, body: "", anonymous, roles }
}

const fn with_body(
    operation: &'static str,
    body: &'static str,
    anonymous: u16,
    roles: [u16; 4],
) -> Row {
    Row { operation, path: "", body, anonymous, roles }
}

/// Open to all callers.
const OPEN: [u16; 4] = [200, 200, 200, 200];
/// Open to all accounts.
const USERS: [u16; 4] = [401, 200, 200, 200];
/// Open to all accounts, with an empty answer.
const USERS_DONE: [u16; 4] = [401, 204, 204, 204];
/// Open to the owner and to administrators.
const OWNERS: [u16; 4] = [401, 200, 404, 200];
/// Open to administrators.
const ADMINS: [u16; 4] = [401, 403, 403, 200];

const REGISTER: &str = r#"{"username":"{caller}-2","password":"{password}"}"#;
const REGISTER_ALIAS: &str = r#"{"username":"{caller}-3","password":"{password}"}"#;
const LOGIN: &str = r#"{"username":"user","password":"{password}"}"#;
const FACTORIAL: &str = r#"{"operation":"factorial","operands":{"n":5}}"#;
const BATCH: &str = r#"{"computations":[{"operation":"factorial","operands":{"n":5}}]}"#;
const CHANGE: &str = r#"{"current_password":"{password}","new_password":"another staple"}"#;

/// Rows after the end of the sessions.
const AFTER_LOGOUT: [&str; 2] = ["POST /logout", "PUT /v1/me/password"];

const ROWS: [Row; 39] = [
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
    with_body("POST /v1/computations", FACTORIAL, 200, USERS),
    with_body("POST /v1/batch", BATCH, 200, USERS),
    get("GET /v1/computations/{id}", "/v1/computations/{own}", 200, OWNERS),
    get("GET /v1/computations/{id}/events", "/v1/computations/{own}/events", 200, OWNERS),
    get("GET /v1/computations", "/v1/computations", 401, USERS),
    get("GET /v1/admin/history", "/v1/admin/history", 401, ADMINS),
    get("GET /secure-history", "/secure-history", 401, ADMINS),
    with_body("POST /v1/register", REGISTER, 201, [201, 201, 201, 201]),
    with_body("POST /v1/login", LOGIN, 401, OPEN),
    with_body("POST /register", REGISTER_ALIAS, 201, [201, 201, 201, 201]),
    with_body("POST /login", LOGIN, 401, OPEN),
    get("GET /v1/me", "/v1/me", 401, USERS),
    get("GET /v1/api-keys", "/v1/api-keys", 401, USERS),
    with_body("POST /v1/api-keys", r#"{"label":"another"}"#, 401, [401, 201, 201, 201]),
    get("DELETE /v1/api-keys/{id}", "/v1/api-keys/{key}", 401, [401, 204, 404, 404]),
    get("GET /v1/admin/users", "/v1/admin/users", 401, ADMINS),
    get("GET /v1/admin/audit", "/v1/admin/audit", 401, ADMINS),
    Row {
        path: "/v1/admin/users/carol",
        ..with_body("PATCH /v1/admin/users/{username}", r#"{"disabled":true}"#, 401, ADMINS)
    },
    get(
        "DELETE /v1/admin/users/{username}/sessions",
        "/v1/admin/users/carol/sessions",
        401,
        [401, 403, 403, 204],
    ),
    with_body("POST /v1/logout", "", 401, USERS_DONE),
    // The sessions have ended. Each caller signs in again.
    with_body("POST /logout", "", 401, USERS_DONE),
    with_body("PUT /v1/me/password", CHANGE, 401, USERS_DONE),
];

/// Values of the placeholders.
struct Placeholders<'a> {
    own: &'a str,
    key: &'a str,
    caller: &'a str,
}

impl Row {
    /// Sends the request as `client`.
    #[track_caller]
    fn ask(&self, client: &Client, placeholders: &Placeholders<'_>) -> Response {
        let Placeholders { own, key, caller } = placeholders;
        let fill = |text: &str| {
            let text = text.replace("{own}", own).replace("{key}", key);
            text.replace("{caller}", caller).replace("{password}", PASSWORD)
        };
        let (method, path) = self.operation.split_once(' ').expect("a method and a path");
        let path = fill(if self.path.is_empty() { path } else { self.path });
        if self.body.is_empty() {
            return client.send(method, &path);
        }
        let body: Value = serde_json::from_str(&fill(self.body)).expect("JSON");
        client.send_json(method, &path, &body)
    }
}

/// The clients of all roles.
pub(crate) struct Callers {
    pub(crate) nobody: Client,
    pub(crate) user: Client,
    pub(crate) other: Client,
    pub(crate) admin: Client,
}

impl Callers {
    /// Makes the accounts `user`, `other` and `root` of an [`identity::system`], and signs in.
    #[track_caller]
    pub(crate) fn sign_up(nobody: &Client) -> Self {
        Self {
            nobody: nobody.clone(),
            user: identity::user(nobody, "user"),
            other: identity::user(nobody, "other"),
            admin: identity::admin(nobody),
        }
    }
}

/// Makes a request as `client`, and waits until the log has the completion.
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
    let placeholders = Placeholders { own: &own, key: "0", caller: "somebody" };
    for row in &ROWS {
        let answer = row.ask(&client, &placeholders);
        assert_eq!(answer.status, row.anonymous, "{}: {}", row.operation, answer.body);
    }
}

#[test]
fn every_operation_answers_each_role_as_its_row_says() {
    let system = identity::system();
    let [mut ingress, _processor, _projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let Callers { nobody, user, other, admin } = Callers::sign_up(&ingress.http());
    register(&nobody, "carol");
    let own = logged_request(&user);
    let key = user.post_json("/v1/api-keys", &json!({"label": "one"})).json();
    let key = key["id"].as_str().expect("an id");
    let clients = [nobody.clone(), user, other, admin];
    for row in &ROWS {
        for caller in ORDER {
            let name = CALLERS[caller];
            let needs_session = AFTER_LOGOUT.contains(&row.operation) && caller > 0;
            let fresh = needs_session.then(|| login(&nobody, name));
            let client = fresh.as_ref().unwrap_or(&clients[caller]);
            let answer = row.ask(client, &Placeholders { own: &own, key, caller: name });
            let expected = row.roles[caller];
            assert_eq!(answer.status, expected, "{} by {name}: {}", row.operation, answer.body);
        }
    }
}
