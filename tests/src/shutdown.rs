//! SIGTERM under load. Every accepted request is answered, completed once and logged.

use std::time::{Duration, Instant};

use abacus_schemas::headers;
use abacus_testkit::{
    Broker, Client, Isolation, Load, NewRecord, PATIENCE, Sample, Stack, System, request,
    wait_until,
};

use crate::crash::wait_for_partitions;
use crate::history::History;

/// Time after which the runtime forces the end of a process.
const FORCED: Duration = Duration::from_secs(30);

fn load(client: &Client) -> Load {
    Load::start(client, 8, |number| format!("/v1/pow/{}/61", number + 2))
}

/// Asserts that every caller has the right result, and that the log has all of them.
#[track_caller]
fn assert_nothing_lost(system: &System, samples: &[Sample]) {
    for sample in samples {
        let response = sample.response.as_ref().unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(response.status, 200, "{}", response.body);
        assert_eq!(response.json()["operands"]["base"], (sample.number + 2).to_string());
    }
    let history = History::complete(system, PATIENCE);
    for sample in samples {
        let id = sample.response.as_ref().unwrap().header("x-request-id");
        assert!(history.completed.contains_key(id), "{id} was answered and is not completed");
    }
    history.assert_right(system);
    history.assert_logged(system, PATIENCE);
}

#[test]
fn an_ingress_told_to_stop_answers_what_it_has_accepted() {
    let system = System::new();
    let [mut ingress, _processor, _projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let load = load(&ingress.http());
    load.wait_for(200);
    ingress.terminate();
    // A later caller is refused, or reset in the listener's queue. The request is not accepted, and
    // therefore not published.
    let (asked, refused): (Vec<Sample>, Vec<Sample>) =
        load.stop().into_iter().partition(|sample| sample.response.is_ok());
    assert!(!refused.is_empty(), "the load ended before the ingress");
    assert_nothing_lost(&system, &asked);
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.requested.len(), asked.len(), "accepted, but not answered");
}

#[test]
fn a_processor_told_to_stop_hands_over_and_no_caller_notices() {
    let system = System::new();
    let name = format!("{}-stopped", system.name());
    let [mut ingress, mut stopped, other, _projector] = system.start_all([
        system.ingress(),
        system.processor().set("ABACUS_INSTANCE_ID", name.clone()),
        system.processor(),
        system.projector(),
    ]);
    wait_for_partitions([&stopped, &other]);
    let load = load(&ingress.http());
    load.wait_for(200);
    stopped.terminate();
    load.wait_for(200);
    let samples = load.stop();
    assert_nothing_lost(&system, &samples);
    let history = History::complete(&system, PATIENCE);
    let completed_by_it = history.completed.values().filter(|c| c.processor == name).count();
    assert!(completed_by_it > 0, "it had no part in the load");
}

#[test]
fn a_processor_told_to_stop_commits_what_it_has_answered() {
    let system = System::new();
    let reply_topic = format!("abacus.replies.{}", system.name());
    system.kafka.create_topic(&reply_topic, 1);
    let mut processor = system.start(&system.processor().set("ABACUS_COMMIT_INTERVAL", "1h"));
    let producer = system.kafka.producer();
    for _ in 0..100 {
        let request = request("factorial", &[("n", "9")]);
        producer.send(&NewRecord {
            topic: system.topics.requested.clone(),
            payload: system.events.encode(&request),
            headers: vec![
                (headers::CORRELATION_ID.to_owned(), request.request_id.into_bytes()),
                (headers::REPLY_TOPIC.to_owned(), reply_topic.clone().into_bytes()),
            ],
            ..NewRecord::default()
        });
    }
    let mut replies = system.kafka.follow(&reply_topic, Isolation::Uncommitted);
    replies.wait_until("100 replies", PATIENCE, |replies| {
        if replies.len() == 100 { Ok(()) } else { Err(replies.len().to_string()) }
    });
    let committed = || system.kafka.scan(&system.topics.completed, Isolation::Committed).len();
    assert_eq!(committed(), 0, "it has committed before it was told to stop");
    processor.terminate();
    assert_eq!(committed(), 100);
}

/// Takes the broker away from a working processor and sends SIGTERM. The processor reports the
/// unknown outcome of open work, and ends.
#[track_caller]
fn assert_ends_without_its_broker(
    system: &System,
    broker: &mut Broker,
    take_away: impl Fn(&mut Broker),
) {
    let [mut ingress, mut processor] = system.start_all([system.ingress(), system.processor()]);
    let load = load(&ingress.http());
    load.wait_for(200);
    take_away(broker);
    processor.ask_to_stop();
    let asked = Instant::now();
    let code = processor.wait_for_exit();
    let took = asked.elapsed();
    let status = processor.exit_status();
    assert!(matches!(code, Some(0 | 1)), "it did not end by itself: {status:?} after {took:?}");
    assert!(took < FORCED, "it was made to end, after {took:?}");
    ingress.kill();
    load.stop();
}

#[test]
fn a_processor_told_to_stop_ends_though_no_broker_answers() {
    let stack = Stack::from_env();
    let mut broker = Broker::start(&stack);
    let system = System::on(Stack { kafka: broker.bootstrap(), ..stack });
    assert_ends_without_its_broker(&system, &mut broker, |broker| broker.pause());
    broker.resume();
    // A broker alone in its cluster reports no brokers until it has renewed its registration.
    wait_until("the broker to serve", PATIENCE, || broker.sees_all_in_sync(1));
    assert_ends_without_its_broker(&system, &mut broker, Broker::stop);
}

#[test]
fn a_projector_told_to_stop_leaves_a_log_that_the_next_one_completes() {
    let system = System::new();
    let [mut ingress, _processor, mut projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let load = load(&ingress.http());
    load.wait_for(200);
    projector.terminate();
    let logged = system.database.log().len();
    load.wait_for(200);
    assert_eq!(system.database.log().len(), logged, "somebody else writes the log");
    let _projector = system.start(&system.projector());
    load.wait_for(100);
    assert_nothing_lost(&system, &load.stop());
}

#[test]
fn all_told_to_stop_at_once_end_cleanly() {
    let system = System::new();
    let mut services = system.start_all([system.ingress(), system.processor(), system.projector()]);
    let load = load(&services[0].http());
    load.wait_for(200);
    for service in &services {
        service.ask_to_stop();
    }
    for service in &mut services {
        service.expect_clean_exit();
    }
    load.stop();
    let _services = system.start_all([system.processor(), system.projector()]);
    let history = History::complete(&system, PATIENCE);
    assert!(history.requested.len() >= 200);
    history.assert_logged(&system, PATIENCE);
}
