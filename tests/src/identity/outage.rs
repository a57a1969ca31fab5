//! Outages of Postgres.

use std::net::SocketAddr;
use std::time::Duration;

use abacus_testkit::{Fault, FaultProxy, PATIENCE};

use super::*;

fn postgres_of(system: &System) -> SocketAddr {
    let host = system.stack.postgres.rsplit('@').next().unwrap();
    host.split('/').next().unwrap().parse().unwrap()
}

#[test]
fn while_postgres_is_away_known_users_compute_and_nobody_is_an_administrator() {
    let mut system = system();
    let proxy = FaultProxy::in_front_of(postgres_of(&system));
    system.set("ABACUS_POSTGRES_URL", system.database.url_through(proxy.address()));
    let [mut ingress, _processor] = system.start_all([system.ingress(), system.processor()]);
    let client = ingress.http();
    let root = admin(&client);
    let ada = user(&client, "ada");
    let key = ada.post_json("/v1/api-keys", &json!({ "label": "job" })).json();
    let key = client.with_token(key["key"].as_str().unwrap());
    assert_lets_in(&key);
    for fault in [Fault::Cut, Fault::Blackhole] {
        let hits = proxy.hits();
        proxy.set(fault);
        assert_problem(&try_login(&client, "ada", PASSWORD), 503, "identity-unavailable");
        let stale = wait_until("administrators to be unknown", PATIENCE, || {
            let answer = root.get("/v1/admin/users");
            if answer.body.contains("identity-stale") { Ok(answer) } else { Err(answer.body) }
        });
        assert_problem(&stale, 503, "identity-stale");
        for caller in [&ada, &key, &root] {
            let answer = caller.get(QUESTION);
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        assert_eq!(root.get("/v1/me").json()["role"], "user");
        let logout = ada.send("POST", "/v1/logout");
        assert_problem(&logout, 503, "identity-unavailable");
        assert!(proxy.hits() > hits, "{fault:?} hit nothing");
        proxy.set(Fault::None);
        wait_until("administrators to be known", PATIENCE, || match root.get("/v1/admin/users") {
            answer if answer.status == 200 => Ok(()),
            answer => Err(answer.body),
        });
        assert_lets_in(&login(&client, "ada"));
    }
}

#[test]
fn after_the_grace_nobody_is_known_until_postgres_is_back() {
    let mut system = system();
    let proxy = FaultProxy::in_front_of(postgres_of(&system));
    system.set("ABACUS_POSTGRES_URL", system.database.url_through(proxy.address()));
    system.set("ABACUS_IDENTITY_GRACE", "3s");
    let (mut ingress, client) = start(&system);
    let ada = user(&client, "ada");
    let admin = ingress.admin();
    proxy.set(Fault::Cut);
    let lost = wait_until("the grace to end", PATIENCE, || match ada.get("/v1/me") {
        answer if answer.status == 503 => Ok(answer),
        answer => Err(answer.body),
    });
    assert_problem(&lost, 503, "identity-unavailable");
    wait_until("the instance not to be ready", PATIENCE, || match admin.get("/readyz") {
        answer if answer.status == 503 && answer.body.contains("identity") => Ok(()),
        answer => Err(answer.body),
    });
    proxy.set(Fault::None);
    ingress.wait_ready();
    wait_until("ada to be known", PATIENCE, || match ada.get("/v1/me") {
        answer if answer.status == 200 => Ok(()),
        answer => Err(answer.body),
    });
}

#[test]
fn an_instance_that_never_read_what_was_ended_is_not_ready() {
    let mut system = system();
    let proxy = FaultProxy::in_front_of(postgres_of(&system));
    proxy.set(Fault::Cut);
    system.set("ABACUS_POSTGRES_URL", system.database.url_through(proxy.address()));
    let mut ingress = system.spawn(&system.ingress());
    let admin = ingress.admin();
    let body = wait_until("identity to be what is waited for", PATIENCE, || {
        let answer = admin.get("/readyz");
        let waits = answer.status == 503 && answer.body.contains("identity");
        if waits { Ok(answer.body) } else { Err(answer.body) }
    });
    assert!(body.contains("identity"), "{body}");
    proxy.set(Fault::None);
    ingress.wait_ready();
}

/// A paused process misses revocations beyond the bound. It must not act on stale roles.
#[test]
fn an_instance_that_was_paused_does_not_take_an_ended_administrator_for_one() {
    let system = system();
    let ([_first, second], [client, there]) = start_two(&system);
    let root = admin(&client);
    let bob = json!({ "username": "bob", "password": PASSWORD, "role": "admin" });
    assert_eq!(root.post_json("/v1/register", &bob).status, 201);
    let bob = there.with_token(login(&client, "bob").token().unwrap());
    assert_eq!(bob.get("/v1/admin/users").status, 200);
    second.pause();
    let began = std::time::Instant::now();
    let change = json!({ "role": "user" });
    assert_eq!(root.patch_json("/v1/admin/users/bob", &change).status, 200);
    wait_until("the bound to pass", PATIENCE, || {
        let passed = began.elapsed() > BOUND + Duration::from_millis(500);
        if passed { Ok(()) } else { Err("not yet".to_owned()) }
    });
    second.resume();
    let answer = bob.get("/v1/admin/users");
    assert!([401, 503].contains(&answer.status), "{} {}", answer.status, answer.body);
}
