//! Registration, sign-in and sign-out.

use abacus_testkit::{PATIENCE, RedisServer};

use super::*;
use crate::history::History;

#[test]
fn an_account_signs_up_and_in_computes_and_signs_out() {
    let system = system();
    let [mut ingress, _processor] = system.start_all([system.ingress(), system.processor()]);
    let client = ingress.http();
    let refused = assert_problem(&client.get(QUESTION), 401, "unauthenticated");
    assert!(refused["detail"].as_str().unwrap().contains("/v1/login"), "{refused}");

    let asked = json!({ "username": "Ada", "password": PASSWORD });
    let registered = client.post_json("/register", &asked);
    assert_eq!(registered.status, 201, "{}", registered.body);
    assert_eq!(registered.json(), json!({ "username": "ada", "role": "user" }));
    assert_problem(&client.post_json("/v1/register", &asked), 409, "name-taken");

    let session = client.post_json("/login", &asked);
    assert_eq!(session.header("cache-control"), "no-store");
    let body = session.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(900)));
    let ada = client.with_token(body["access_token"].as_str().unwrap());
    let me = ada.get("/v1/me").json();
    assert_eq!(me, json!({ "username": "ada", "role": "user", "credential": "session" }));

    let answer = ada.get(QUESTION);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["result"], "2880067194370816120");
    let history = History::complete(&system, PATIENCE);
    let requesters: Vec<_> =
        history.requested.values().map(|request| request.requester.as_deref()).collect();
    assert_eq!(requesters, [Some("ada")]);

    assert_eq!(ada.send("POST", "/logout").status, 204);
    assert_refuses(&ada);
    assert_problem(&ada.get(QUESTION), 401, "invalid-credentials");
    assert_problem(&ada.send("POST", "/v1/logout"), 401, "invalid-credentials");
    assert_lets_in(&login(&client, "ada"));
    let acts = ["registered", "login", "logout", "login"];
    let acts = acts.map(|act| (act.to_owned(), "done".to_owned()));
    assert_eq!(audited(&system, "ada"), acts);
}

#[test]
fn what_is_ended_on_one_instance_is_refused_by_the_other_whatever_redis_does() {
    let mut system = system();
    let mut redis = RedisServer::start(&system.stack);
    system.set("ABACUS_REDIS_URL", redis.url());
    let (_services, [first, second]) = start_two(&system);
    register(&first, "ada");
    for step in ["with Redis", "without Redis", "with a new Redis"] {
        match step {
            "without Redis" => redis.stop(),
            "with a new Redis" => redis.start_again(),
            _ => {}
        }
        let [here, other] = [login(&first, "ada"), login(&first, "ada")];
        let token_there = second_of(&second, &here);
        assert_lets_in(&token_there);
        assert_eq!(here.send("POST", "/v1/logout").status, 204, "{step}");
        assert_refuses(&here);
        wait_refused(&token_there);
        assert_lets_in(&other);
        assert_lets_in(&second_of(&second, &other));
    }
}

/// Returns a client of `instance` with the credentials of `client`.
pub(super) fn second_of(instance: &Client, client: &Client) -> Client {
    instance.with_token(client.token().unwrap())
}

#[test]
fn a_restarted_instance_knows_what_was_ended_before() {
    let system = system();
    let (mut ingress, client) = start(&system);
    let ada = user(&client, "ada");
    assert_eq!(ada.send("POST", "/v1/logout").status, 204);
    ingress.terminate();
    let (_ingress, client) = start(&system);
    assert_refuses(&second_of(&client, &ada));
}

#[test]
fn what_has_expired_is_deleted_and_nothing_else() {
    let system = system();
    let (mut ingress, client) = start(&system);
    let ada = user(&client, "ada");
    assert_eq!(ada.send("POST", "/v1/logout").status, 204);
    ingress.terminate();
    let expired = "INSERT INTO revocations (user_id, session_id, expires_at)
        SELECT user_id, gen_random_uuid(), now() - interval '1 hour' FROM users";
    assert_eq!(system.database.connect().execute(expired, &[]).unwrap(), 1);
    let (_ingress, client) = start(&system);
    wait_until("the expired row to go", PATIENCE, || {
        let count = "SELECT count(*) FROM revocations";
        match system.database.connect().query_one(count, &[]).unwrap().get::<_, i64>(0) {
            1 => Ok(()),
            rows => Err(format!("{rows} rows")),
        }
    });
    assert_refuses(&second_of(&client, &ada));
}

/// A reader of later revocations must not skip a revocation that commits late.
#[test]
fn a_revocation_that_commits_late_is_not_passed_over() {
    let system = system();
    let (_ingress, client) = start(&system);
    let (ada, bob) = (user(&client, "ada"), user(&client, "bob"));
    let mut database = system.database.connect();
    let mut late = database.transaction().unwrap();
    late.execute(
        "INSERT INTO revocations (user_id, generation, expires_at)
         SELECT user_id, generation + 1, now() + interval '1 hour' FROM users WHERE name = 'ada'",
        &[],
    )
    .unwrap();
    // Later revocations, seen by the instance. The second one proves progress after the first.
    for _ in 0..2 {
        let end_bobs = "INSERT INTO revocations (user_id, generation, expires_at)
             SELECT user_id, generation + 1, now() + interval '1 hour' FROM users WHERE name = 'bob'";
        system.database.connect().execute(end_bobs, &[]).unwrap();
        wait_refused(&bob);
    }
    assert_lets_in(&ada);
    late.commit().unwrap();
    wait_refused(&ada);
}

#[test]
fn wrong_names_and_wrong_passwords_look_alike_and_cost_the_same() {
    let system = system();
    let (mut ingress, client) = start(&system);
    register(&client, "ada");
    let mut hashes = || ingress.count("abacus_ingress_password_hash_seconds_count", &[]);
    let before = hashes();
    let wrong = try_login(&client, "ada", "not her password");
    let after_wrong = hashes();
    let unknown = try_login(&client, "nobody", "not her password");
    let after_unknown = hashes();
    let malformed = try_login(&client, "no such/name", "not her password");
    assert_problem(&wrong, 401, "wrong-credentials");
    assert_eq!((unknown.status, &unknown.body), (wrong.status, &wrong.body));
    assert_eq!((malformed.status, &malformed.body), (wrong.status, &wrong.body));
    assert_eq!(
        [after_wrong - before, after_unknown - after_wrong, hashes() - after_unknown],
        [1; 3]
    );
    let refused = ("login".to_owned(), "refused".to_owned());
    assert!(audited(&system, "ada").contains(&refused));
    let rows = "SELECT count(*) FROM audit_log WHERE act = 'login' AND subject IS NULL";
    let rows: i64 = system.database.connect().query_one(rows, &[]).unwrap().get(0);
    assert_eq!(rows, 2, "what was typed as a name is kept nowhere");
    assert!(!ingress.has_logged("not her password") && !ingress.has_logged("no such/name"));
}

#[test]
fn members_that_are_not_asked_for_are_refused() {
    let system = system();
    let (_ingress, client) = start(&system);
    let ada = json!({ "username": "ada", "password": PASSWORD });
    for (member, value) in [
        ("user_id", json!("018f3a5e-0000-7000-8000-000000000000")),
        ("generation", json!(7)),
        ("disabled", json!(false)),
        ("password_hash", json!("x")),
        ("is_admin", json!(true)),
    ] {
        let mut asked = ada.clone();
        asked[member] = value;
        for path in ["/v1/register", "/v1/login"] {
            let answer = client.post_json(path, &asked);
            let problem = assert_problem(&answer, 422, "invalid-members");
            assert!(problem["detail"].as_str().unwrap().contains(member), "{problem}");
        }
    }
    for role in [json!("root"), json!(null), json!(["user"])] {
        let mut asked = ada.clone();
        asked["role"] = role;
        assert_problem(&client.post_json("/v1/register", &asked), 422, "invalid-members");
    }
    for (member, value, code) in [
        ("username", "a b", "malformed-name"),
        ("password", "Password1", "weak-password"),
        ("password", "short", "weak-password"),
    ] {
        let mut asked = ada.clone();
        asked[member] = json!(value);
        assert_problem(&client.post_json("/v1/register", &asked), 422, code);
    }
    let text = client.post("/v1/register", "text/plain", ada.to_string());
    assert_problem(&text, 415, "unsupported-media-type");
    assert_problem(&client.post("/v1/login", "application/json", "{"), 400, "malformed-json");
    let users: i64 =
        system.database.connect().query_one("SELECT count(*) FROM users", &[]).unwrap().get(0);
    assert_eq!(users, 0);
}
