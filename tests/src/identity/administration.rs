//! Roles: assignment, change and permissions.

use std::thread;

use super::*;

fn change(admin: &Client, name: &str, change: &Value) -> Response {
    admin.patch_json(&format!("/v1/admin/users/{name}"), change)
}

#[test]
fn nobody_makes_themselves_an_administrator() {
    let system = system();
    let (_ingress, client) = start(&system);
    let asked = json!({ "username": "eve", "password": PASSWORD, "role": "admin" });
    let refused =
        assert_problem(&client.post_json("/v1/register", &asked), 403, "role-not-allowed");
    assert!(refused["detail"].as_str().unwrap().contains("bootstrap_token"), "{refused}");
    let eve = user(&client, "eve");
    let other = json!({ "username": "mallory", "password": PASSWORD, "role": "admin" });
    assert_problem(&eve.post_json("/v1/register", &other), 403, "role-not-allowed");
    let guess = bootstrap(&client, "mallory", "a-guess-at-the-bootstrap-token");
    assert_problem(&guess, 403, "role-not-allowed");
    assert_problem(&change(&eve, "eve", &json!({ "role": "admin" })), 403, "admins-only");
    let refusals = "SELECT count(*) FROM audit_log
                     WHERE act = 'registered' AND outcome = 'refused' AND detail = 'role-not-allowed'";
    let refusals: i64 = system.database.connect().query_one(refusals, &[]).unwrap().get(0);
    assert_eq!(refusals, 3);

    let root = admin(&client);
    let answer = root.post_json("/v1/register", &other);
    assert_eq!((answer.status, &answer.json()["role"]), (201, &json!("admin")));
    let bad = client.with_token("nonsense").post_json("/v1/register", &other);
    assert_problem(&bad, 401, "invalid-credentials");
}

#[test]
fn a_key_of_an_administrator_makes_no_administrator() {
    let system = system();
    let (_ingress, client) = start(&system);
    let root = admin(&client);
    let made = root.post_json("/v1/api-keys", &json!({ "label": "job" })).json();
    let key = client.with_token(made["key"].as_str().unwrap());
    register(&client, "bob");
    let eve = json!({ "username": "eve", "password": PASSWORD, "role": "admin" });
    assert_problem(&key.post_json("/v1/register", &eve), 403, "session-required");
    for asked in [json!({ "role": "admin" }), json!({ "role": "user", "disabled": true })] {
        assert_problem(&change(&key, "bob", &asked), 403, "session-required");
    }
    let asked = json!({ "current_password": PASSWORD, "new_password": "another password" });
    assert_problem(&key.put_json("/v1/me/password", &asked), 403, "session-required");
    let admins = "SELECT count(*) FROM users WHERE role = 'admin' OR disabled_at IS NOT NULL";
    let admins: i64 = system.database.connect().query_one(admins, &[]).unwrap().get(0);
    assert_eq!(admins, 1);
    let refused = ("account-changed".to_owned(), "refused".to_owned());
    let entries = audited(&system, "bob");
    assert_eq!(entries.iter().filter(|entry| **entry == refused).count(), 2, "{entries:?}");

    // A key reads accounts, disables accounts and makes accounts of users.
    assert_eq!(key.get("/v1/admin/users").status, 200);
    assert_eq!(change(&key, "bob", &json!({ "disabled": true })).status, 200);
    let ada = json!({ "username": "ada", "password": PASSWORD });
    assert_eq!(key.post_json("/v1/register", &ada).status, 201);
    assert_eq!(root.post_json("/v1/register", &eve).status, 201);
}

#[test]
fn the_bootstrap_token_makes_one_administrator_and_no_second() {
    let system = system();
    let (_services, clients) = start_two(&system);
    let attempts: Vec<_> = (0..6)
        .map(|number| {
            let client = clients[number % 2].clone();
            thread::spawn(move || bootstrap(&client, &format!("root-{number}"), BOOTSTRAP))
        })
        .collect();
    let answers: Vec<_> = attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect();
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_problem(answer, 403, "role-not-allowed");
    }
    let admins = "SELECT count(*) FROM users WHERE role = 'admin'";
    let admins: i64 = system.database.connect().query_one(admins, &[]).unwrap().get(0);
    assert_eq!(admins, 1);
    // The bootstrap token is used up, even without an administrator left.
    system.database.connect().execute("UPDATE users SET role = 'user'", &[]).unwrap();
    assert_problem(&bootstrap(&clients[0], "root-9", BOOTSTRAP), 403, "role-not-allowed");
}

#[test]
fn a_lost_role_is_lost_at_once_on_every_instance() {
    let system = system();
    let (_services, [first, second]) = start_two(&system);
    let root = admin(&first);
    register(&first, "bob");
    let answer = change(&root, "bob", &json!({ "role": "admin" }));
    assert_eq!((answer.status, &answer.json()["role"]), (200, &json!("admin")));
    let bob = login(&first, "bob");
    let bob_there = second.with_token(bob.token().unwrap());
    assert_eq!(bob.get("/v1/admin/users").status, 200);
    assert_eq!(bob_there.get("/v1/admin/users").status, 200);

    assert_eq!(change(&root, "bob", &json!({ "role": "user" })).status, 200);
    assert_refuses(&bob);
    wait_refused(&bob_there);
    let bob = login(&first, "bob");
    assert_problem(&bob.get("/v1/admin/users"), 403, "admins-only");
    let roles: Vec<_> =
        audited(&system, "bob").into_iter().filter(|(act, _)| act == "role-changed").collect();
    assert_eq!(roles.len(), 2);
}

#[test]
fn a_disabled_account_is_out_and_an_enabled_one_in_again() {
    let system = system();
    let (_services, [first, second]) = start_two(&system);
    let root = admin(&first);
    let bob = user(&first, "bob");
    let key = bob.post_json("/v1/api-keys", &json!({ "label": "job" })).json();
    let key_there = second.with_token(key["key"].as_str().unwrap());
    assert_lets_in(&key_there);
    let disabled = change(&root, "bob", &json!({ "disabled": true }));
    assert_eq!((disabled.status, &disabled.json()["disabled"]), (200, &json!(true)));
    assert_refuses(&bob);
    wait_refused(&key_there);
    wait_refused(&second.with_token(bob.token().unwrap()));
    assert_problem(&try_login(&first, "bob", PASSWORD), 403, "account-disabled");
    assert_problem(&try_login(&first, "bob", "not his password"), 401, "wrong-credentials");

    assert_eq!(change(&root, "bob", &json!({ "disabled": false })).status, 200);
    assert_refuses(&bob);
    assert_lets_in(&login(&first, "bob"));
    wait_until("the key to be good again", BOUND, || match key_there.get("/v1/me").status {
        200 => Ok(()),
        status => Err(status.to_string()),
    });
    let acts: Vec<_> = audited(&system, "bob").into_iter().map(|(act, _)| act).collect();
    assert!(acts.contains(&"disabled".to_owned()) && acts.contains(&"enabled".to_owned()));
}

#[test]
fn the_last_administrator_stays_one() {
    let system = system();
    let (_ingress, client) = start(&system);
    let root = admin(&client);
    for last in [json!({ "role": "user" }), json!({ "disabled": true })] {
        assert_problem(&change(&root, "root", &last), 409, "last-admin");
    }
    assert_lets_in(&root);
    register(&client, "bob");
    assert_eq!(change(&root, "bob", &json!({ "role": "admin" })).status, 200);
    let bob = login(&client, "bob");
    // Two administrators demote each other. One of them must remain.
    let attempts = [(root.clone(), "bob"), (bob.clone(), "root")].map(|(admin, name)| {
        thread::spawn(move || change(&admin, name, &json!({ "role": "user" })).status)
    });
    let answers = attempts.map(|attempt| attempt.join().unwrap());
    assert!(answers.contains(&200), "{answers:?}");
    let admins = "SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL";
    let admins: i64 = system.database.connect().query_one(admins, &[]).unwrap().get(0);
    assert_eq!(admins, 1);
}

#[test]
fn administrators_end_sessions_list_accounts_and_read_what_was_done() {
    let system = system();
    let (_ingress, client) = start(&system);
    let root = admin(&client);
    let bob = user(&client, "bob");
    register(&client, "ada");
    assert_eq!(root.delete("/v1/admin/users/bob/sessions").status, 204);
    assert_refuses(&bob);
    assert_lets_in(&login(&client, "bob"));
    for path in ["/v1/admin/users/nobody/sessions", "/v1/admin/users/no%20name/sessions"] {
        assert_problem(&root.delete(path), 404, "no-such-user");
    }
    assert_problem(&change(&root, "bob", &json!({})), 422, "nothing-to-change");
    assert_problem(&change(&root, "bob", &json!({ "password": "x" })), 422, "invalid-members");

    let mut names = Vec::new();
    let mut path = "/v1/admin/users?limit=2".to_owned();
    loop {
        let part = root.get(&path).json();
        let users = part["users"].as_array().unwrap();
        names.extend(users.iter().map(|user| user["username"].as_str().unwrap().to_owned()));
        let Some(next) = part["next"].as_str() else { break };
        path = format!("/v1/admin/users?limit=2&cursor={next}");
    }
    assert_eq!(names, ["ada", "bob", "root"]);
    for path in ["/v1/admin/users?cursor=x", "/v1/admin/audit?cursor=x"] {
        assert_problem(&root.get(path), 400, "malformed-cursor");
    }
    assert_problem(&root.get("/v1/admin/users?limit=0"), 400, "malformed-limit");

    let log = root.get("/v1/admin/audit?limit=100").json();
    let entries = log["entries"].as_array().unwrap();
    let ended = entries.iter().find(|entry| entry["act"] == "sessions-ended").unwrap();
    assert_eq!((&ended["actor"], &ended["subject"]), (&json!("root"), &json!("bob")));
    assert_eq!((&ended["outcome"], &ended["client"]), (&json!("done"), &json!("127.0.0.1")));
    let text = log.to_string();
    assert!(!text.contains(PASSWORD) && !text.contains(BOOTSTRAP) && !text.contains("argon2"));
    let second = root.get("/v1/admin/audit?limit=1").json();
    let next = second["next"].as_str().unwrap();
    let older = root.get(&format!("/v1/admin/audit?limit=1&cursor={next}")).json();
    assert!(older["entries"][0]["id"].as_i64() < second["entries"][0]["id"].as_i64());
    for path in ["/v1/admin/users", "/v1/admin/audit"] {
        assert_problem(&login(&client, "bob").get(path), 403, "admins-only");
        assert_problem(&client.get(path), 401, "unauthenticated");
    }
}

#[test]
fn accounts_can_be_left_to_administrators_to_make() {
    let mut system = system();
    system.set("ABACUS_REGISTRATION", "admins");
    let (_ingress, client) = start(&system);
    let root = admin(&client);
    let ada = json!({ "username": "ada", "password": PASSWORD });
    assert_problem(&client.post_json("/v1/register", &ada), 403, "registration-closed");
    assert_eq!(root.post_json("/v1/register", &ada).status, 201);
    let bob = json!({ "username": "bob", "password": PASSWORD });
    let answer = login(&client, "ada").post_json("/v1/register", &bob);
    assert_problem(&answer, 403, "registration-closed");
}

/// An instance may hold a role for two seconds after its loss. Writes are decided by the database.
#[test]
fn who_is_no_administrator_any_more_changes_nothing_even_if_nobody_was_told() {
    let system = system();
    let (_ingress, client) = start(&system);
    let root = admin(&client);
    register(&client, "ada");
    let demote = "UPDATE users SET role = 'user' WHERE name = 'root'";
    assert_eq!(system.database.connect().execute(demote, &[]).unwrap(), 1);
    let change = json!({ "role": "admin" });
    let made = json!({ "username": "eve", "password": PASSWORD, "role": "admin" });
    for answer in [
        root.patch_json("/v1/admin/users/ada", &change),
        root.delete("/v1/admin/users/ada/sessions"),
        root.post_json("/v1/register", &made),
    ] {
        assert_problem(&answer, 403, "admins-only");
    }
}
