//! Outages of a server. Work that needs the server waits or is refused at once, and all other work
//! continues.

use std::collections::BTreeSet;
use std::time::Duration;

use abacus_testkit::{
    Broker, Client, Fault, FaultProxy, Isolation, Load, NewRecord, PATIENCE, RedisServer, Response,
    Service, Stack, System, wait_until,
};

use crate::direct::{Job, ask};
use crate::evolution::newer_requested;
use crate::history::History;

fn address_in(url: &str) -> std::net::SocketAddr {
    let rest = url.split("://").nth(1).expect("a URL");
    let host = rest.split('/').next().unwrap().rsplit('@').next().unwrap();
    host.parse().expect("host and port")
}

fn is_right_path(number: usize) -> String {
    format!("/v1/pow/{}/61", number + 2)
}

#[track_caller]
fn assert_all_answered(load: Load) -> usize {
    let samples = load.stop();
    for sample in &samples {
        let response = sample.response.as_ref().unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(response.status, 200, "{}", response.body);
    }
    samples.len()
}

#[test]
fn while_postgres_is_away_computing_goes_on_and_the_log_catches_up() {
    let mut system = System::new();
    let proxy = FaultProxy::in_front_of(address_in(&system.stack.postgres));
    system.set("ABACUS_POSTGRES_URL", system.database.url_through(proxy.address()));
    let [mut ingress, _processor, mut projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let client = ingress.http();
    let load = Load::start(&client, 4, is_right_path);
    load.wait_for(100);
    for fault in [Fault::Cut, Fault::Blackhole] {
        let hits = proxy.hits();
        proxy.set(fault);
        let look_up = client.get("/v1/computations/01890a5d-ac96-774b-bcce-b302099a8057");
        assert_is_unavailable(&look_up, "request-log-unavailable");
        let logged = wait_until("the log to stand still", PATIENCE, || {
            let before = system.database.log().len();
            load.wait_for(50);
            let after = system.database.log().len();
            if before == after { Ok(after) } else { Err(format!("{before}, then {after}")) }
        });
        load.wait_for(100);
        assert_eq!(system.database.log().len(), logged);
        wait_until("the projector to notice", PATIENCE, || not_ready(&mut projector));
        assert!(proxy.hits() > hits, "{fault:?} hit nothing");
        proxy.set(Fault::None);
        projector.wait_ready();
        wait_until("the log to move on", PATIENCE, || match system.database.log().len() {
            rows if rows > logged => Ok(()),
            rows => Err(format!("{rows} rows")),
        });
    }
    let asked = assert_all_answered(load);
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.requested.len(), asked);
    history.assert_logged(&system, PATIENCE);
}

fn not_ready(service: &mut Service) -> Result<(), String> {
    match service.admin().get("/readyz") {
        response if response.status == 503 => Ok(()),
        response => Err(response.body),
    }
}

#[track_caller]
fn assert_is_unavailable(response: &Response, code: &str) {
    assert_eq!(response.status, 503, "{}", response.body);
    assert_eq!(response.header("content-type"), "application/problem+json");
    assert_eq!(response.json()["code"], code);
    assert_ne!(response.header("retry-after"), "");
}

/// Paths of computations costly enough for Redis, and few enough to repeat.
fn costly_path(number: usize) -> String {
    format!("/v1/fibonacci/{}", 300_000 + number % 10)
}

fn lookups(processor: &mut Service, result: &str) -> u64 {
    let labels = [("level", "redis"), ("result", result)];
    processor.count("abacus_processor_cache_lookups_total", &labels)
}

#[track_caller]
fn wait_for_more(processor: &mut Service, result: &str) {
    let before = lookups(processor, result);
    wait_until(&format!("a Redis {result}"), PATIENCE, || match lookups(processor, result) {
        now if now > before => Ok(()),
        now => Err(format!("{now} as before")),
    });
}

#[test]
fn redis_may_stop_start_hang_and_lie_under_load() {
    let mut system = System::new();
    let mut redis = RedisServer::start(&system.stack);
    let proxy = FaultProxy::in_front_of(redis.address());
    system.set("ABACUS_REDIS_URL", format!("redis://{}", proxy.address()));
    // Without a memory cache, every lookup goes to Redis.
    system.set("ABACUS_CACHE_MEMORY", "1");
    let [mut ingress, mut processor] = system.start_all([system.ingress(), system.processor()]);
    let load = Load::start(&ingress.http(), 4, costly_path);
    wait_for_more(&mut processor, "hit");

    redis.stop();
    wait_for_more(&mut processor, "error");
    wait_for_more(&mut processor, "skipped");
    load.wait_for(50);
    redis.start_again();
    wait_for_more(&mut processor, "hit");

    proxy.set(Fault::Blackhole);
    wait_for_more(&mut processor, "error");
    wait_for_more(&mut processor, "skipped");
    load.wait_for(50);
    assert!(proxy.hits() > 0);
    proxy.set(Fault::None);
    wait_for_more(&mut processor, "hit");

    assert!(redis.corrupt() > 0);
    wait_for_more(&mut processor, "invalid");
    wait_for_more(&mut processor, "hit");

    assert_all_answered(load);
    let history = History::complete(&system, PATIENCE);
    history.assert_right(&system);
    let caches: BTreeSet<_> = history.completed.values().map(|c| c.cache.as_str()).collect();
    assert_eq!(caches.into_iter().collect::<Vec<_>>(), ["MEMORY", "NONE", "REDIS"]);
}

/// Asserts that the ingress refuses requests at once after it has noticed the outage.
#[track_caller]
fn assert_refuses_at_once(client: &Client) {
    wait_until("the outage to be known", PATIENCE, || {
        let response = client.get("/v1/factorial/5");
        assert!(response.took < Duration::from_secs(10), "told after {:?}", response.took);
        let is_known = response.status == 503 && response.json()["code"] == "event-log-unreachable";
        if is_known { Ok(()) } else { Err(format!("{} {}", response.status, response.body)) }
    });
    for _ in 0..20 {
        let response = client.get("/v1/factorial/5");
        assert_is_unavailable(&response, "event-log-unreachable");
        assert!(response.took < Duration::from_secs(1), "told after {:?}", response.took);
    }
}

#[track_caller]
fn wait_for_recovery(client: &Client) {
    wait_until("a result", PATIENCE, || match client.get("/v1/factorial/20") {
        response if response.status == 200 => Ok(()),
        response => Err(format!("{} {}", response.status, response.body)),
    });
}

#[test]
fn while_kafka_is_away_callers_are_told_at_once_and_everything_recovers_by_itself() {
    let stack = Stack::from_env();
    let mut broker = Broker::start(&stack);
    let system = System::on(Stack { kafka: broker.bootstrap(), ..stack });
    let [mut ingress, mut processor, mut projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let client = ingress.http();
    let load = Load::start(&client, 4, is_right_path);
    load.wait_for(100);

    broker.stop();
    assert_refuses_at_once(&client);
    broker.start_again();
    wait_for_recovery(&client);
    load.wait_for(100);

    broker.pause();
    assert_refuses_at_once(&client);
    broker.resume();
    wait_for_recovery(&client);
    load.wait_for(100);

    let samples = load.stop();
    let history = History::complete(&system, PATIENCE);
    for sample in &samples {
        let response = sample.response.as_ref().unwrap_or_else(|error| panic!("{error:?}"));
        let id = response.header("x-request-id");
        match response.status {
            200 | 202 => assert!(history.completed.contains_key(id), "{id} is lost"),
            503 => assert_ne!(response.header("retry-after"), ""),
            other => panic!("{other} {}", response.body),
        }
    }
    history.assert_right(&system);
    history.assert_logged(&system, PATIENCE);
    for service in [&mut ingress, &mut processor, &mut projector] {
        service.terminate();
    }
}

#[test]
fn while_the_registry_is_away_all_goes_on_and_a_record_in_a_new_schema_waits_for_it() {
    let mut system = System::new();
    let proxy = FaultProxy::in_front_of(address_in(&system.stack.registry));
    let proxied = system
        .stack
        .registry
        .replace(&address_in(&system.stack.registry).to_string(), &proxy.address().to_string());
    system.set("ABACUS_REGISTRY_URL", proxied);
    let [mut ingress, processor, projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let client = ingress.http();
    let load = Load::start(&client, 4, is_right_path);
    load.wait_for(50);
    proxy.set(Fault::Cut);
    let hits = proxy.hits();
    load.wait_for(100);

    let (newer, _) = ask("", "factorial", &[("n", "25")]);
    let mut event = newer["event"].clone();
    event["priority"] = 3.into();
    let request = serde_json::json!({ "correlation_id": "", "event": event });
    let job = Job { schema: Some(newer_requested()), requests: vec![request], ..Job::on(&system) };
    job.run(&system);
    let unknown = NewRecord {
        topic: system.topics.requested.clone(),
        payload: [&[0, 0x3b, 0x9a, 0xc9, 0xff][..], b"whatever"].concat(),
        ..NewRecord::default()
    };
    system.kafka.producer().produce(&unknown);
    processor.wait_logged("did not answer");
    projector.wait_logged("a record waits for its schema");
    load.wait_for(200);
    assert!(proxy.hits() > hits, "nobody asked for the schemas");
    let id = newer["event"]["request_id"].as_str().unwrap();
    let completed = system.kafka.scan(&system.topics.completed, Isolation::Committed);
    assert!(!completed.iter().any(|record| record.key == id.as_bytes()), "it was guessed");
    let dead_letters = || system.kafka.scan(&system.topics.dead_letter, Isolation::Committed);
    assert_eq!(dead_letters(), []);

    proxy.set(Fault::None);
    let asked = assert_all_answered(load);
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.completed.len(), asked + 1);
    assert!(history.completed.contains_key(id));
    history.assert_right(&system);
    history.assert_logged(&system, PATIENCE);
    wait_until("the dead letter", PATIENCE, || match dead_letters().as_slice() {
        [dead_letter] if dead_letter.payload == unknown.payload => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

#[test]
fn a_projector_with_another_registry_skips_nothing() {
    let system = System::new();
    let nowhere = system.stack.registry.replace("/apis/ccompat/v7", "/apis/ccompat/nowhere");
    let astray = system.projector().set("ABACUS_REGISTRY_URL", nowhere);
    let [mut ingress, _processor] = system.start_all([system.ingress(), system.processor()]);
    let mut astray = system.spawn(&astray);
    let load = Load::start(&ingress.http(), 2, is_right_path);
    load.wait_for(50);
    astray.wait_logged("a record waits for its schema");
    astray.terminate();
    let asked = assert_all_answered(load);

    let _projector = system.start(&system.projector());
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.completed.len(), asked);
    history.assert_logged(&system, PATIENCE);
}
