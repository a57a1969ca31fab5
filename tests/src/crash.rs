//! SIGKILL and SIGSTOP in the middle of work. Every request still completes exactly once.

use abacus_testkit::{
    Follower, Isolation, Load, NewRecord, PATIENCE, Service, System, request, wait_until,
};

use crate::history::History;

/// Session time-out of the consumer group: the least that brokers allow.
const SESSION: &str = "session.timeout.ms=6000";

/// Requests with results of a few thousand digits, to lengthen transactions.
fn large_requests(system: &System, count: usize) -> Vec<NewRecord> {
    let record = |number: usize| {
        let base = (number + 1000).to_string();
        let request = request("pow", &[("base", &base), ("exponent", "1500")]);
        NewRecord {
            topic: system.topics.requested.clone(),
            key: request.request_id.clone().into_bytes(),
            payload: system.events.encode(&request),
            ..NewRecord::default()
        }
    };
    (0..count).map(record).collect()
}

/// Waits until each processor has partitions of the requests.
#[track_caller]
pub(crate) fn wait_for_partitions<const N: usize>(processors: [&Service; N]) {
    for processor in processors {
        wait_until("partitions to be assigned", PATIENCE, || {
            match processor.assigned_partitions() {
                None | Some(0) => Err("none is".to_owned()),
                Some(_) => Ok(()),
            }
        });
    }
}

#[track_caller]
fn wait_for_records(follower: &mut Follower, count: usize) {
    follower.wait_until(&format!("{count} records"), PATIENCE, |records| {
        if records.len() >= count { Ok(()) } else { Err(format!("{} of them", records.len())) }
    });
}

#[test]
fn a_processor_killed_inside_a_transaction_leaves_one_completion_for_each_request() {
    let mut system = System::new();
    system.set("ABACUS_KAFKA_PROPERTIES", SESSION);
    let victim = system
        .processor()
        .set("ABACUS_INSTANCE_ID", format!("{}-victim", system.name()))
        .set("FAILPOINTS", "stream::before_commit=return");
    let [mut victim, survivor] = system.start_all([victim, system.processor()]);
    wait_for_partitions([&victim, &survivor]);
    let requests = large_requests(&system, 4000);
    system.kafka.producer().produce_all(&requests);
    assert_eq!(victim.wait_for_exit(), None, "it ended by itself before the failpoint");
    let completed = system.kafka.scan(&system.topics.completed, Isolation::Committed).len();
    assert!(completed < requests.len(), "all were completed before the kill");

    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.completed.len(), requests.len());
    history.assert_right(&system);
    let written = system.kafka.scan(&system.topics.completed, Isolation::Uncommitted).len();
    assert!(written > requests.len(), "the kill hit no transaction");
}

#[test]
fn callers_get_their_results_although_the_processor_is_killed_and_started_again() {
    let mut system = System::new();
    system.set("ABACUS_KAFKA_PROPERTIES", SESSION);
    system.set("ABACUS_COMMIT_INTERVAL", "1s");
    let [mut ingress, mut processor, _projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let load = Load::start(&ingress.http(), 8, |n| format!("/v1/pow/{}/77", n + 2));
    load.wait_for(300);
    processor.kill();
    let answered = load.answered();
    let completed = system.kafka.scan(&system.topics.completed, Isolation::Committed).len();
    assert!(completed < answered, "nothing was in flight: {answered} answers, {completed} events");

    let mut processor = system.start(&system.processor());
    load.wait_for(300);
    let samples = load.stop();
    for sample in &samples {
        let response = sample.response.as_ref().unwrap();
        assert_eq!(response.status, 200, "{}", response.body);
        assert_eq!(response.json()["operands"]["base"], (sample.number + 2).to_string());
    }
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.requested.len(), samples.len());
    history.assert_right(&system);
    history.assert_logged(&system, PATIENCE);
    let duplicates = ingress.count("abacus_ingress_replies_total", &[("kind", "duplicate")]);
    assert!(duplicates > 0, "what was answered and not completed must be answered again");
    processor.terminate();
}

#[test]
fn a_processor_that_was_frozen_until_it_was_replaced_completes_nothing_twice() {
    let mut system = System::new();
    system.set("ABACUS_KAFKA_PROPERTIES", SESSION);
    let frozen = system.start(&system.processor());
    wait_for_partitions([&frozen]);
    let requests = large_requests(&system, 1000);
    let producer = system.kafka.producer();
    let (first, second) = requests.split_at(500);
    let mut completed = system.kafka.follow(&system.topics.completed, Isolation::Committed);
    producer.produce_all(first);
    wait_for_records(&mut completed, 1);
    frozen.pause();
    producer.produce_all(second);
    let other = system.processor().set("ABACUS_INSTANCE_ID", format!("{}-other", system.name()));
    let _other = system.start(&other);
    let mut history = History::complete(&system, PATIENCE);
    let by_other = |history: &History| {
        history.completed.values().filter(|c| c.processor.ends_with("-other")).count()
    };
    assert!(by_other(&history) > 0, "it was not replaced");

    // The resumed processor holds records of partitions now assigned to the other processor.
    frozen.resume();
    let more = large_requests(&system, 500);
    producer.produce_all(&more);
    history = History::complete(&system, PATIENCE);
    assert_eq!(history.completed.len(), 1500);
    history.assert_right(&system);
}

#[test]
fn a_projector_killed_in_the_middle_has_rows_and_offsets_of_the_same_moment() {
    let mut system = System::new();
    system.set("ABACUS_KAFKA_PROPERTIES", SESSION);
    system.set("ABACUS_BATCH_RECORDS", "20");
    let [mut projector, _processor] = system.start_all([system.projector(), system.processor()]);
    let requests = large_requests(&system, 3000);
    system.kafka.producer().produce_all(&requests);
    let mut database = system.database.connect();
    let mut count = |query: &str| -> i64 { database.query_one(query, &[]).unwrap().get(0) };
    wait_until("some rows", PATIENCE, || {
        let rows = count("SELECT count(*) FROM compute_completed");
        if rows > 0 { Ok(()) } else { Err("none".to_owned()) }
    });
    projector.kill();
    let rows = count("SELECT count(*) FROM compute_requested")
        + count("SELECT count(*) FROM compute_completed");
    assert!(rows < 6000, "all was written before the kill");
    let beyond = count(
        "SELECT count(*) FROM (SELECT '%requested%' AS topic, kafka_partition, kafka_offset FROM compute_requested
         UNION ALL SELECT '%completed%', kafka_partition, kafka_offset FROM compute_completed) AS rows
         WHERE NOT EXISTS (SELECT FROM projected_offsets AS projected
                           WHERE projected.topic LIKE rows.topic
                             AND projected.partition = rows.kafka_partition
                             AND projected.next_offset > rows.kafka_offset)",
    );
    assert_eq!(beyond, 0, "rows beyond the stored offsets");
    let offsets = count(
        "SELECT sum(next_offset)::bigint FROM projected_offsets WHERE topic LIKE '%requested%'",
    );
    assert_eq!(count("SELECT count(*) FROM compute_requested"), offsets, "rows are missing");

    let _projector = system.start(&system.projector());
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.requested.len(), requests.len());
    history.assert_logged(&system, PATIENCE);
}
