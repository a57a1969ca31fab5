//! The open transaction of a direct producer holds up one partition, and no other.

use std::collections::BTreeMap;
use std::time::Duration;

use abacus_testkit::{Client, Isolation, NewRecord, PATIENCE, System, request, wait_until};

use crate::history::History;

/// The partition with the transaction.
const HELD: i32 = 0;

fn record(system: &System) -> NewRecord {
    let request = request("pow", &[("base", "3"), ("exponent", "5")]);
    NewRecord {
        topic: system.topics.requested.clone(),
        partition: Some(HELD),
        key: request.request_id.clone().into_bytes(),
        payload: system.events.encode(&request),
        ..NewRecord::default()
    }
}

/// Sends requests until some are in the partition with the transaction, and some are in the others.
/// Returns the partition of each, by location.
fn send_to_all(system: &System, client: &Client) -> BTreeMap<String, i32> {
    let mut locations = Vec::new();
    wait_until("requests in all partitions", PATIENCE, || {
        let path = format!("/v1/fibonacci/{}", 500 + locations.len());
        let accepted = client.get_with(&path, ("prefer", "respond-async"));
        assert_eq!(accepted.status, 202, "{}", accepted.body);
        locations.push(accepted.header("location").to_owned());
        let records = system.kafka.scan(&system.topics.requested, Isolation::Uncommitted);
        let partitions: BTreeMap<String, i32> = records
            .iter()
            .map(|record| (String::from_utf8_lossy(&record.key), record.position.partition))
            .map(|(id, partition)| (format!("/v1/computations/{id}"), partition))
            .filter(|(location, _)| locations.contains(location))
            .collect();
        let held = partitions.values().filter(|partition| **partition == HELD).count();
        if held >= 3 && partitions.len() - held >= 3 {
            Ok(partitions)
        } else {
            Err(format!("{partitions:?}"))
        }
    })
}

#[track_caller]
fn wait_for_result(client: &Client, location: &str) {
    wait_until(location, PATIENCE, || match client.get_with(location, ("prefer", "wait=5")) {
        answer if answer.status == 200 => Ok(()),
        answer => Err(format!("{} {}", answer.status, answer.body)),
    });
}

#[test]
fn an_open_transaction_delays_the_callers_of_its_partition_and_no_others() {
    let system = System::new();
    let [mut ingress, _processor, _projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let client = ingress.http();
    let transaction = system.kafka.open_transaction(&[record(&system)], Duration::from_mins(1));
    let partitions = send_to_all(&system, &client);
    let (held, free): (Vec<_>, Vec<_>) =
        partitions.iter().partition(|(_, partition)| **partition == HELD);
    for (location, _) in free {
        wait_for_result(&client, location);
    }
    for (location, _) in &held {
        let waiting = client.get_with(location, ("prefer", "wait=0"));
        assert_eq!(waiting.status, 202, "{}", waiting.body);
    }
    assert_eq!(
        system.kafka.end_offsets(&system.topics.requested)[0],
        transaction.positions()[0].offset,
        "the transaction has ended"
    );

    transaction.abort();
    for (location, _) in held {
        wait_for_result(&client, location);
    }
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.completed.len(), partitions.len());
    history.assert_right(&system);
    history.assert_logged(&system, PATIENCE);
}

#[test]
fn the_time_limit_of_an_abandoned_transaction_ends_the_delay() {
    let system = System::new();
    let [mut ingress, _processor, _projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let client = ingress.http();
    let strange = record(&system);
    let _abandoned = system.kafka.open_transaction([&strange], Duration::from_secs(2));
    let partitions = send_to_all(&system, &client);
    for location in partitions.keys() {
        wait_for_result(&client, location);
    }
    // The record was written, and the broker has aborted the transaction.
    let written = system.kafka.scan(&system.topics.requested, Isolation::Uncommitted);
    assert!(written.iter().any(|record| record.key == strange.key));
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.completed.len(), partitions.len());
    assert!(!history.requested.contains_key(std::str::from_utf8(&strange.key).unwrap()));
    history.assert_right(&system);
}
