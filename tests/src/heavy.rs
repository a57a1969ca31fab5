//! Long computations: isolation of other requests, and interruption. All requests go to one
//! partition, so each could block the next.

use std::collections::BTreeSet;
use std::time::Duration;

use abacus_schemas::{ComputeRequested, Outcome, Timestamp, headers};
use abacus_testkit::{Isolation, NewRecord, PATIENCE, Service, request, wait_until};

use crate::history::History;
use crate::poison::{PARTITION, Setting};

/// A request that keeps a core busy for this many milliseconds.
fn stall(milliseconds: u64) -> ComputeRequested {
    request("stall", &[("n", &milliseconds.to_string())])
}

fn light(n: u64) -> ComputeRequested {
    request("fibonacci", &[("n", &n.to_string())])
}

fn result(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Succeeded { result, .. } => result,
        Outcome::Failed { code, .. } => code,
    }
}

fn computed(processor: &mut Service, operation: &str) -> u64 {
    processor.count("abacus_processor_computed_total", &[("operation", operation)])
}

fn with_deadline(mut record: NewRecord, from_now: Duration) -> NewRecord {
    let moment = Timestamp::now().as_micros() / 1000 + i64::try_from(from_now.as_millis()).unwrap();
    record.headers.push((headers::DEADLINE_MS.to_owned(), moment.to_string().into_bytes()));
    record
}

/// Waits until a heavy request is being computed.
fn wait_until_under_way(processor: &mut Service) {
    wait_until("the heavy request to be taken up", PATIENCE, || {
        let busy = processor.count("abacus_processor_busy_workers", &[("lane", "heavy")]);
        if busy > 0 { Ok(()) } else { Err("no heavy worker is busy".to_owned()) }
    });
}

#[test]
fn a_costly_request_holds_up_nothing_behind_it() {
    let setting = Setting::new();
    let system = &setting.system;
    let [mut processor, _projector] = system.start_all([system.processor(), system.projector()]);
    let producer = system.kafka.producer();
    let costly = stall(5_000);
    producer.produce(&setting.with_reply(setting.request(&costly), "costly"));
    let records: Vec<_> = (0..200).map(|n| setting.request(&light(n))).collect();
    producer.produce_all(&records);
    setting.wait_until_done();
    let completed = || system.kafka.scan(&system.topics.completed, Isolation::Committed);
    let ids = |records: &[abacus_testkit::Record]| -> BTreeSet<String> {
        records.iter().map(|record| system.events.completed(record).request_id).collect()
    };
    let before = completed();
    assert_eq!(before.len(), 200);
    assert!(!ids(&before).contains(&costly.request_id), "it was faster than it can be");

    assert_eq!(result(&setting.reply("costly")), "5000");
    assert_eq!(processor.count("abacus_processor_handed_over_total", &[]), 1);
    let history = History::complete(system, PATIENCE);
    assert_eq!(history.completed.len(), 201);
    history.assert_logged(system, PATIENCE);
    let after = completed();
    let own = after.iter().find(|r| system.events.completed(r).request_id == costly.request_id);
    assert_eq!(
        own.unwrap().position.partition,
        PARTITION,
        "a completion keeps its request's partition"
    );
}

#[test]
fn a_computation_ends_at_its_deadline() {
    let setting = Setting::new();
    let mut processor = setting.system.start(&setting.system.processor());
    let producer = setting.system.kafka.producer();
    let endless = setting.with_reply(setting.request(&stall(600_000)), "endless");
    producer.produce(&with_deadline(endless, Duration::from_secs(2)));
    wait_until_under_way(&mut processor);
    assert_eq!(result(&setting.reply("endless")), "expired");
    assert_eq!(processor.count("abacus_processor_interrupted_total", &[]), 1);
    producer.produce(&setting.with_reply(setting.request(&stall(100)), "next"));
    assert_eq!(result(&setting.reply("next")), "100");
}

#[test]
fn a_computation_goes_on_for_as_long_as_anybody_wants_it() {
    let setting = Setting::new();
    let setup = setting.system.processor().set("ABACUS_HEAVY_WORKERS", "2");
    let mut processor = setting.system.start(&setup);
    let producer = setting.system.kafka.producer();
    let impatient = setting.with_reply(setting.request(&stall(4_000)), "impatient");
    producer.produce(&with_deadline(impatient, Duration::from_secs(2)));
    wait_until_under_way(&mut processor);
    producer.produce(&setting.with_reply(setting.request(&stall(4_000)), "patient"));
    assert_eq!(result(&setting.reply("patient")), "4000");
    assert_eq!(result(&setting.reply("impatient")), "4000");
    assert_eq!(processor.count("abacus_processor_interrupted_total", &[]), 0);
    assert_eq!(computed(&mut processor, "stall"), 1);
}

#[test]
fn a_processor_told_to_stop_ends_its_computations_and_another_makes_them() {
    let setting = Setting::new();
    let system = &setting.system;
    let setup = system.processor().set("ABACUS_DRAIN", "500ms");
    let mut first = system.start(&setup);
    let request = setting.with_reply(setting.request(&stall(6_000)), "moved");
    system.kafka.producer().produce(&request);
    wait_until_under_way(&mut first);
    first.terminate();
    let replies = || system.kafka.scan(&setting.reply_topic, Isolation::Uncommitted).len();
    assert_eq!(replies(), 0, "it was computed in less time than it takes");
    let _second = system.start(&setup);
    assert_eq!(result(&setting.reply("moved")), "6000");
    assert_eq!(History::complete(system, PATIENCE).completed.len(), 1);
}

#[test]
fn a_computation_that_panics_is_answered_and_counted_and_stops_nothing() {
    let setting = Setting::new();
    let mut processor = setting.system.start(&setting.system.processor());
    let producer = setting.system.kafka.producer();
    for (n, name) in [("1", "light"), ("1000000", "costly"), ("100000000", "heavy")] {
        let panicking = request("panic", &[("n", n)]);
        producer.produce(&setting.with_reply(setting.request(&panicking), name));
        assert_eq!(result(&setting.reply(name)), "internal");
    }
    producer.produce(&setting.with_reply(setting.request(&light(10)), "after"));
    assert_eq!(result(&setting.reply("after")), "55");
    assert_eq!(processor.count("abacus_processor_panics_total", &[]), 3);
    assert_eq!(History::complete(&setting.system, PATIENCE).completed.len(), 4);
}

/// Covers the main lane and the heavy lane.
#[test]
fn identical_costly_requests_at_once_are_computed_once_and_all_answered() {
    let setting = Setting::new();
    let system = &setting.system;
    let mut processor = system.start(&system.processor());
    let producer = system.kafka.producer();
    for (milliseconds, times_computed) in [(5, 1), (1_000, 2)] {
        let records: Vec<_> = (0..100).map(|_| setting.request(&stall(milliseconds))).collect();
        producer.produce_all(&records);
        let history = History::complete(system, PATIENCE);
        let expected = milliseconds.to_string();
        let right = history.completed.values().filter(|c| result(&c.outcome) == expected).count();
        assert_eq!(right, 100);
        assert_eq!(computed(&mut processor, "stall"), times_computed);
    }
}

/// Two hundred results of 209 kB, within a limit of one megabyte. All but the first come from the
/// cache.
#[test]
fn results_that_wait_for_their_transaction_are_bounded_and_none_is_lost() {
    let setting = Setting::new();
    let system = &setting.system;
    let setup = system.processor().set("ABACUS_HELD_RESULTS", "1MiB");
    let mut processor = system.start(&setup);
    let producer = system.kafka.producer();
    producer.produce(&setting.with_reply(setting.request(&light(1_000_000)), "first"));
    assert_eq!(result(&setting.reply("first")).len(), 208_988);
    let records: Vec<_> = (0..200).map(|_| setting.request(&light(1_000_000))).collect();
    producer.produce_all(&records);
    let history = History::complete(system, PATIENCE);
    assert_eq!(history.completed.len(), 201);
    history.assert_right(system);
    assert!(processor.count("abacus_processor_deferred_total", &[]) > 0, "nothing had to wait");
}
