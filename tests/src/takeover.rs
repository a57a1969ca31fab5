//! The claims of an ingress that was killed after it had written its requests, while the request log is
//! behind: the next instance must not write them again.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use abacus_schemas::Outcome;
use abacus_testkit::{
    HttpError, Isolation, NewRecord, PATIENCE, Response, Service, System, request, wait_until,
};

use crate::history::History;
use crate::idempotency::{Caller, requested};
use crate::waiting::{instance, two_ingresses};

/// Operands of the requests. Each operand is also the key of its request.
fn operands(count: usize) -> Vec<String> {
    (420..420 + count).map(|n| n.to_string()).collect()
}

/// Refuses every note of a written request, as after a kill between record and note.
fn refuse_notes(system: &System) {
    let statement = "
        CREATE FUNCTION refuse_note() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'the note is refused'; END $$;
        CREATE TRIGGER refused BEFORE UPDATE OF written_at ON idempotency_keys
            FOR EACH ROW WHEN (NEW.written_at IS NOT NULL) EXECUTE FUNCTION refuse_note();";
    system.database.connect().batch_execute(statement).unwrap();
}

fn accept_notes(system: &System) {
    system.database.connect().batch_execute("DROP TRIGGER refused ON idempotency_keys").unwrap();
}

/// Sends a request for each operand, and kills the ingress as soon as all are written. Returns the
/// ids by operand.
fn write_and_kill(
    system: &System,
    ingress: &mut Service,
    caller: &Caller,
    operands: &[String],
) -> BTreeMap<String, String> {
    refuse_notes(system);
    let calls: Vec<JoinHandle<Result<Response, HttpError>>> = operands
        .iter()
        .map(|n| {
            let (caller, n) = (caller.clone(), n.clone());
            thread::spawn(move || caller.try_ask(&n, &n))
        })
        .collect();
    let mut topic = system.kafka.follow(&system.topics.requested, Isolation::Uncommitted);
    let ids = topic.wait_until("the requests to be written", PATIENCE, |records| {
        let requests = records.iter().filter_map(|record| system.events.requested(record));
        let ids: BTreeMap<String, String> = requests
            .filter_map(|mut request| Some((request.operands.remove("n")?, request.request_id)))
            .collect();
        if ids.len() == operands.len() { Ok(ids) } else { Err(format!("{} of them", ids.len())) }
    });
    ingress.kill();
    for call in calls {
        assert!(call.join().unwrap().is_err(), "a call was answered");
    }
    accept_notes(system);
    ids
}

/// Repeats a call until the result comes.
fn retry(caller: &Caller, n: &str) -> JoinHandle<Response> {
    let (caller, n) = (caller.clone(), n.to_owned());
    thread::spawn(move || {
        wait_until(&format!("the result of {n}"), PATIENCE * 2, || match caller.ask(&n, &n) {
            answer if answer.status == 200 => Ok(answer),
            answer => Err(format!("{} {}", answer.status, answer.body)),
        })
    })
}

/// Waits until each claim has been taken over. Fails if a written request was not found.
#[track_caller]
fn assert_found(ingresses: &mut [&mut Service], count: u64) {
    let mut total = |outcome| {
        let labels = [("outcome", outcome)];
        let name = "abacus_ingress_keyed_requests_total";
        ingresses.iter_mut().map(|ingress| ingress.count(name, &labels)).sum::<u64>()
    };
    let taken = wait_until("the claims to be taken over", PATIENCE, || {
        match (total("found"), total("taken-over")) {
            (found, again) if found + again >= count => Ok((found, again)),
            counts => Err(format!("{counts:?} of {count}")),
        }
    });
    assert_eq!(taken, (count, 0), "requests found, and requests written again");
}

#[test]
fn requests_written_by_a_killed_instance_are_found_behind_the_log_and_completed_once() {
    let mut system = System::new();
    system.set("ABACUS_DELIVERY_TIMEOUT", "1s");
    let [mut first, mut second] = two_ingresses(&system);
    let here = Caller::of(&mut first, "ada");
    let there = here.at(&mut second);
    let operands = operands(40);
    let ids = write_and_kill(&system, &mut first, &here, &operands);

    let [mut replacement, _processor] =
        system.start_all([instance(&system, 0), system.processor()]);
    let again = here.at(&mut replacement);
    // Two calls for each request, at two instances.
    let retries: Vec<(String, JoinHandle<Response>)> = operands
        .iter()
        .flat_map(|n| [&there, &again].map(|caller| (n.clone(), retry(caller, n))))
        .collect();
    assert_found(&mut [&mut second, &mut replacement], 40);
    assert_eq!(requested(&system).len(), 40, "requests were written again");

    let _projector = system.start(&system.projector());
    let answers: Vec<_> = retries.into_iter().map(|(n, call)| (n, call.join().unwrap())).collect();
    let history = History::complete(&system, PATIENCE);
    history.assert_right(&system);
    history.assert_logged(&system, PATIENCE);
    assert_eq!(history.completed.keys().collect::<BTreeSet<_>>(), ids.values().collect());
    for (n, answer) in answers {
        let answer = answer.json();
        assert_eq!(answer["request_id"], ids[&n]);
        let Outcome::Succeeded { result, .. } = &history.completed[&ids[&n]].outcome else {
            panic!("{n} has no result");
        };
        assert_eq!(answer["result"], *result);
    }
}

#[test]
fn a_written_request_is_found_behind_the_open_transaction_of_another_producer() {
    let mut system = System::new();
    system.set("ABACUS_DELIVERY_TIMEOUT", "1s");
    let [mut first, mut second] = two_ingresses(&system);
    let here = Caller::of(&mut first, "ada");
    let there = here.at(&mut second);
    let strangers: Vec<NewRecord> = (0..)
        .zip(system.kafka.end_offsets(&system.topics.requested))
        .map(|(partition, _)| {
            let request = request("pow", &[("base", "3"), ("exponent", "5")]);
            NewRecord {
                topic: system.topics.requested.clone(),
                partition: Some(partition),
                payload: system.events.encode(&request),
                ..NewRecord::default()
            }
        })
        .collect();
    let transaction = system.kafka.open_transaction(&strangers, Duration::from_mins(1));
    let operands = operands(4);
    let ids = write_and_kill(&system, &mut first, &here, &operands);
    let retries: Vec<_> = operands.iter().map(|n| retry(&there, n)).collect();
    assert_found(&mut [&mut second], 4);
    assert_eq!(requested(&system).len(), 0, "the transaction has ended");

    transaction.abort();
    let _services = system.start_all([system.processor(), system.projector()]);
    for call in retries {
        call.join().unwrap();
    }
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.completed.keys().collect::<BTreeSet<_>>(), ids.values().collect());
}
