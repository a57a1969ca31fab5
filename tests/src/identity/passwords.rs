//! Passwords: change, and renewal of hashes.

use std::thread;

use abacus_testkit::PATIENCE;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};

use super::sessions::second_of;
use super::*;

#[test]
fn a_changed_password_ends_all_sessions_but_the_one_it_was_changed_in() {
    let system = system();
    let (_services, [first, second]) = start_two(&system);
    register(&first, "ada");
    let [own, other] = [login(&first, "ada"), login(&first, "ada")];
    let change = |current: &str, new: &str| {
        own.put_json(
            "/v1/me/password",
            &json!({ "current_password": current, "new_password": new }),
        )
    };
    assert_problem(&change("not her password", "another password"), 403, "wrong-password");
    assert_problem(&change(PASSWORD, "12345678"), 422, "weak-password");
    assert_lets_in(&other);
    assert_eq!(change(PASSWORD, "another password").status, 204);
    assert_refuses(&other);
    wait_refused(&second_of(&second, &other));
    assert_lets_in(&own);
    assert_lets_in(&second_of(&second, &own));
    assert_problem(&try_login(&first, "ada", PASSWORD), 401, "wrong-credentials");
    assert_eq!(try_login(&first, "ada", "another password").status, 200);
    // The current session survives a second change too.
    assert_eq!(change("another password", "yet another password").status, 204);
    assert_lets_in(&own);
}

/// An administrator changes an account during a change of password.
#[test]
fn a_change_of_password_revives_nothing_that_was_ended_meanwhile() {
    let system = system();
    let (_ingress, client) = start(&system);
    for (name, act) in [
        ("ada", "generation = generation + 1, role = 'user'"),
        ("bob", "generation = generation + 1, disabled_at = now()"),
    ] {
        let own = user(&client, name);
        let mut database = system.database.connect();
        let mut ending = database.transaction().unwrap();
        let end = format!("UPDATE users SET {act} WHERE name = $1");
        ending.execute(&end, &[&name]).unwrap();
        ending
            .execute(
                "INSERT INTO revocations (user_id, generation, expires_at)
                 SELECT user_id, generation, now() + interval '1 hour' FROM users WHERE name = $1",
                &[&name],
            )
            .unwrap();
        let asked = json!({ "current_password": PASSWORD, "new_password": "another password" });
        let answer = thread::scope(|scope| {
            let change = scope.spawn(|| own.put_json("/v1/me/password", &asked));
            wait_for_a_lock(&system);
            ending.commit().unwrap();
            change.join().unwrap()
        });
        assert_problem(&answer, 401, "invalid-credentials");
        wait_refused(&own);
        let done = "SELECT count(*) FROM audit_log
             WHERE subject = $1 AND act = 'password-changed' AND outcome = 'done'";
        let changes: i64 = system.database.connect().query_one(done, &[&name]).unwrap().get(0);
        assert_eq!(changes, 0, "{name}");
    }
}

/// Waits until a connection waits for a locked row.
#[track_caller]
fn wait_for_a_lock(system: &System) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_until("the change to wait", PATIENCE, || {
        match system.database.connect().query_one(waiting, &[]).unwrap().get::<_, i64>(0) {
            0 => Err("nobody waits".to_owned()),
            _ => Ok(()),
        }
    });
}

#[test]
fn an_outdated_hash_is_renewed_by_signing_in() {
    let system = system();
    let (_ingress, client) = start(&system);
    register(&client, "ada");
    let little = Params::new(1024, 1, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, little);
    let outdated = argon2.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    let stored = || -> String {
        let select = "SELECT password_hash FROM users WHERE name = 'ada'";
        system.database.connect().query_one(select, &[]).unwrap().get(0)
    };
    assert!(stored().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let update = "UPDATE users SET password_hash = $1 WHERE name = 'ada'";
    system.database.connect().execute(update, &[&outdated]).unwrap();
    assert_lets_in(&login(&client, "ada"));
    assert!(stored().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_lets_in(&login(&client, "ada"));
}

#[test]
fn a_password_is_one_in_every_form_of_unicode() {
    let system = system();
    let (_ingress, client) = start(&system);
    let (composed, decomposed) = ("caf\u{e9} cr\u{e8}me", "cafe\u{301} cre\u{300}me");
    for (name, typed) in [("ada", composed), ("bob", decomposed)] {
        let asked = json!({ "username": name, "password": typed });
        assert_eq!(client.post_json("/v1/register", &asked).status, 201);
        for typed in [composed, decomposed] {
            let answer = try_login(&client, name, typed);
            assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        }
        let session = try_login(&client, name, composed).json();
        let own = client.with_token(session["access_token"].as_str().unwrap());
        let change = json!({ "current_password": decomposed, "new_password": decomposed });
        assert_eq!(own.put_json("/v1/me/password", &change).status, 204);
        assert_eq!(try_login(&client, name, composed).status, 200);
        assert_problem(&try_login(&client, name, "cafe creme"), 401, "wrong-credentials");
    }
}

#[test]
fn easily_guessed_passwords_are_refused() {
    let system = system();
    let (_ingress, client) = start(&system);
    for password in ["password2", "Princess123", "Ada-Byron", "ada-byron1815"] {
        let asked = json!({ "username": "ada-byron", "password": password });
        assert_problem(&client.post_json("/v1/register", &asked), 422, "weak-password");
    }
    let ada = user(&client, "ada-byron");
    let asked = json!({ "current_password": PASSWORD, "new_password": "ada-byron1815" });
    assert_problem(&ada.put_json("/v1/me/password", &asked), 422, "weak-password");
}

#[test]
fn a_body_is_short_and_read_only_from_whom_it_may_come() {
    let system = system();
    let (_ingress, client) = start(&system);
    let asked = json!({ "username": "ada", "password": "x".repeat(20 * 1024) });
    for path in ["/v1/register", "/v1/login"] {
        assert_problem(&client.post_json(path, &asked), 413, "body-too-large");
    }
    assert_problem(&client.put_json("/v1/me/password", &asked), 401, "unauthenticated");
}
