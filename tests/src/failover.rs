//! The wait of callers after the end of a processor: killed and restarted, killed and replaced by
//! another, and stopped in order.

use std::time::{Duration, Instant};

use abacus_testkit::{Client, Service, System};

use crate::crash::wait_for_partitions;

/// Asks new questions one after the other, and requires an answer to each of `count`. Returns the
/// longest wait.
#[track_caller]
fn longest_wait(client: &Client, first: usize, count: usize) -> Duration {
    let waits = (first..first + count).map(|number| {
        let asked = Instant::now();
        let response = client.get(&format!("/v1/pow/{}/77", number + 2));
        assert_eq!(response.status, 200, "{}", response.body);
        asked.elapsed()
    });
    waits.max().unwrap()
}

/// Questions enough to reach every partition: the ingress takes turns.
const QUESTIONS: usize = 200;

fn other(system: &System) -> Service {
    let other = system.processor().set("ABACUS_INSTANCE_ID", format!("{}-other", system.name()));
    system.start(&other)
}

#[test]
fn a_killed_processor_that_restarts_at_once_has_its_partitions_at_once() {
    let system = System::new();
    let [mut ingress, mut processor] = system.start_all([system.ingress(), system.processor()]);
    let client = ingress.http();
    wait_for_partitions([&processor]);
    longest_wait(&client, 0, QUESTIONS);
    processor.kill();
    let _processor = system.spawn(&system.processor());
    let longest = longest_wait(&client, QUESTIONS, QUESTIONS);
    println!("longest wait: {longest:?}");
}

#[test]
fn the_partitions_of_a_killed_processor_move_to_another() {
    let system = System::new();
    let [mut ingress, mut processor] = system.start_all([system.ingress(), system.processor()]);
    let other = other(&system);
    let client = ingress.http();
    wait_for_partitions([&processor, &other]);
    longest_wait(&client, 0, QUESTIONS);
    processor.kill();
    let longest = longest_wait(&client, QUESTIONS, QUESTIONS);
    println!("longest wait: {longest:?}");
}

#[test]
fn the_partitions_of_a_stopped_processor_move_to_another_at_once() {
    let system = System::new();
    let [mut ingress, processor] = system.start_all([system.ingress(), system.processor()]);
    let mut other = other(&system);
    let client = ingress.http();
    wait_for_partitions([&processor, &other]);
    longest_wait(&client, 0, QUESTIONS);
    other.ask_to_stop();
    let longest = longest_wait(&client, QUESTIONS, QUESTIONS);
    println!("longest wait: {longest:?}");
    other.expect_clean_exit();
}
