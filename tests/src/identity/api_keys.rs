//! API keys.

use std::thread;

use abacus_testkit::PATIENCE;

use super::*;

#[track_caller]
fn make(owner: &Client, label: &str) -> (String, String) {
    let answer = owner.post_json("/v1/api-keys", &json!({ "label": label }));
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let text = |member: &str| answer.json()[member].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

#[test]
fn a_key_acts_as_its_account_until_it_is_revoked() {
    let system = system();
    let (_services, [first, second]) = start_two(&system);
    let ada = user(&first, "ada");
    let (id, text) = make(&ada, "nightly report");
    let key = first.with_token(&text);
    let me = key.get("/v1/me").json();
    assert_eq!(me, json!({ "username": "ada", "role": "user", "credential": "api-key" }));
    let listed = ada.get("/v1/api-keys").json();
    assert_eq!(listed["api_keys"][0]["id"], id.as_str());
    assert_eq!(listed["api_keys"][0]["label"], "nightly report");
    assert!(!listed.to_string().contains(&text));
    let stored = "SELECT count(*) FROM api_keys WHERE secret_sha256 = sha256($1)";
    let secret = text.splitn(3, '_').nth(2).unwrap().as_bytes();
    let stored: i64 = system.database.connect().query_one(stored, &[&secret]).unwrap().get(0);
    assert_eq!(stored, 1);

    // A key cannot make keys or change the password.
    let asked = json!({ "label": "another" });
    assert_problem(&key.post_json("/v1/api-keys", &asked), 403, "session-required");
    assert_problem(&key.send("POST", "/v1/logout"), 403, "session-required");
    assert_problem(
        &first.with_token("abk_nonsense").send("POST", "/v1/logout"),
        401,
        "invalid-credentials",
    );
    // A key outlives the session.
    assert_eq!(ada.send("POST", "/v1/logout").status, 204);
    assert_lets_in(&key);
    let key_there = second.with_token(&text);
    assert_lets_in(&key_there);

    let (ada, bob) = (login(&first, "ada"), user(&first, "bob"));
    let path = format!("/v1/api-keys/{id}");
    let foreign = assert_problem(&bob.delete(&path), 404, "no-such-key");
    let unknown = bob.delete("/v1/api-keys/01890a5d-ac96-774b-bcce-b302099a8057");
    let unknown = unknown.body.replace("01890a5d-ac96-774b-bcce-b302099a8057", &id);
    assert_eq!(foreign.to_string(), serde_json::from_str::<Value>(&unknown).unwrap().to_string());
    assert_eq!(ada.delete(&path).status, 204);
    assert_refuses(&key);
    wait_refused(&key_there);
    assert_problem(&ada.delete(&path), 404, "no-such-key");
    assert_eq!(ada.get("/v1/api-keys").json(), json!({ "api_keys": [] }));
    let acts: Vec<_> = audited(&system, "ada").into_iter().map(|(act, _)| act).collect();
    for act in ["api-key-created", "api-key-revoked"] {
        assert!(acts.contains(&act.to_owned()), "{acts:?}");
    }
}

#[test]
fn keys_follow_the_role_of_their_account() {
    let system = system();
    let (_services, [first, second]) = start_two(&system);
    let root = admin(&first);
    let bob = user(&first, "bob");
    let key = second.with_token(make(&bob, "job").1);
    assert_problem(&key.get("/v1/admin/users"), 403, "admins-only");
    for (role, status) in [("admin", 200), ("user", 403)] {
        let change = json!({ "role": role });
        assert_eq!(root.patch_json("/v1/admin/users/bob", &change).status, 200);
        wait_until("the new role", BOUND, || match key.get("/v1/admin/users").status {
            seen if seen == status => Ok(()),
            seen => Err(seen.to_string()),
        });
    }
}

#[test]
fn known_keys_and_unknown_ones_are_asked_about_once() {
    let system = system();
    let (mut ingress, client) = start(&system);
    let (id, text) = make(&user(&client, "ada"), "job");
    let mut look_ups = || ingress.count("abacus_ingress_api_key_lookups_total", &[]);
    let wrong = client.with_token(format!("{}A", &text[..text.len() - 1]));
    let unknown = client.with_token(text.replace(&id.replace('-', ""), &"0".repeat(32)));
    for _ in 0..5 {
        assert_lets_in(&client.with_token(&text));
        assert_refuses(&unknown);
        assert!(text.ends_with('A') || wrong.get("/v1/me").status == 401);
    }
    assert_eq!(look_ups(), 2);
    for nonsense in ["abk_", "abk_x_y", &text[..text.len() - 1]] {
        assert_refuses(&client.with_token(nonsense));
    }
    assert_eq!(look_ups(), 2);
}

#[test]
fn who_makes_keys_up_is_stopped_and_a_known_key_is_not() {
    let mut system = system();
    system.set("ABACUS_LIMIT_AUTH_ADDRESS", "5/1h");
    let (mut ingress, client) = start(&system);
    let key = client.with_token(make(&user(&client, "ada"), "job").1);
    assert_lets_in(&key);
    let made_up = |number: u8| {
        let (id, secret) = (format!("{number:032x}"), "A".repeat(43));
        client.with_token(format!("abk_{id}_{secret}")).get("/v1/me")
    };
    let statuses = [1, 2, 3, 4].map(|number| made_up(number).status);
    assert_eq!(statuses, [401, 401, 429, 429]);
    assert_eq!(made_up(1).status, 401, "that there is no such key is known");
    assert_lets_in(&key);
    assert_eq!(ingress.count("abacus_ingress_api_key_lookups_total", &[]), 3);
}

#[test]
fn keys_are_not_made_and_revoked_without_end_nor_kept_for_ever() {
    let mut system = system();
    system.set("ABACUS_LIMIT_CHANGES", "4/1h");
    let (mut ingress, client) = start(&system);
    let ada = user(&client, "ada");
    let ids = ["old", "new"].map(|label| make(&ada, label).0);
    for id in &ids {
        assert_eq!(ada.delete(&format!("/v1/api-keys/{id}")).status, 204);
    }
    let answer = ada.post_json("/v1/api-keys", &json!({ "label": "one more" }));
    assert_problem(&answer, 429, "quota-exceeded");
    ingress.terminate();
    let age = "UPDATE api_keys SET revoked_at = now() - interval '2 days' WHERE label = 'old'";
    assert_eq!(system.database.connect().execute(age, &[]).unwrap(), 1);
    let _services = start(&system);
    wait_until("the old key to go, and no other", PATIENCE, || {
        let rows = system.database.connect().query("SELECT label FROM api_keys", &[]).unwrap();
        let labels: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        if labels == ["new"] { Ok(()) } else { Err(format!("{labels:?}")) }
    });
}

#[test]
fn keys_have_labels_and_are_not_without_number() {
    let system = system();
    let (_ingress, client) = start(&system);
    let ada = user(&client, "ada");
    for label in ["", "a\nb", &"x".repeat(101)] {
        let answer = ada.post_json("/v1/api-keys", &json!({ "label": label }));
        assert_problem(&answer, 422, "malformed-label");
    }
    let mut last = String::new();
    for number in 0..20 {
        last = make(&ada, &format!("job {number}")).0;
    }
    let answer = ada.post_json("/v1/api-keys", &json!({ "label": "one more" }));
    assert_problem(&answer, 409, "too-many-keys");
    assert_eq!(ada.delete(&format!("/v1/api-keys/{last}")).status, 204);
    make(&ada, "one more");
}

#[test]
fn keys_made_at_one_time_are_no_more_than_keys_made_in_turn() {
    let system = system();
    let (_services, clients) = start_two(&system);
    register(&clients[0], "ada");
    let owners = clients.each_ref().map(|client| login(client, "ada"));
    let attempts: Vec<_> = (0..60)
        .map(|number| {
            let owner = owners[number % 2].clone();
            let asked = json!({ "label": format!("job {number}") });
            thread::spawn(move || owner.post_json("/v1/api-keys", &asked))
        })
        .collect();
    let answers: Vec<_> = attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect();
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_problem(refused, 409, "too-many-keys");
    }
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 20);
    let valid = "SELECT count(*) FROM api_keys WHERE revoked_at IS NULL";
    let valid: i64 = system.database.connect().query_one(valid, &[]).unwrap().get(0);
    assert_eq!(valid, 20);
}

#[test]
fn lists_of_keys_count_as_reads() {
    let mut system = system();
    system.set("ABACUS_LIMIT_READS", "3/1h");
    let (_ingress, client) = start(&system);
    let (ada, bob) = (user(&client, "ada"), user(&client, "bob"));
    let statuses = [(); 4].map(|()| ada.get("/v1/api-keys").status);
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_problem(&ada.get("/v1/api-keys"), 429, "quota-exceeded");
    assert_eq!(bob.get("/v1/api-keys").status, 200);
}
