//! The wait of callers after the end of a processor: killed and restarted, killed and replaced by
//! another, and stopped in order. Two processors under one name.

use std::time::{Duration, Instant};

use abacus_testkit::{Client, PATIENCE, Service, System, wait_until};

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
    let restarted = system.processor().set("ABACUS_KAFKA_STATIC_MEMBERSHIP", "true");
    let [mut ingress, mut processor] = system.start_all([system.ingress(), restarted.clone()]);
    let client = ingress.http();
    wait_for_partitions([&processor]);
    longest_wait(&client, 0, QUESTIONS);
    processor.kill();
    let _processor = system.spawn(&restarted);
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

/// A second process under the same name would otherwise take the partitions away again and again.
#[test]
fn of_two_processors_with_one_name_one_ends_and_says_why() {
    let system = System::new();
    let setup = system.processor().set("ABACUS_KAFKA_STATIC_MEMBERSHIP", "true");
    let [mut ingress, first] = system.start_all([system.ingress(), setup.clone()]);
    let client = ingress.http();
    wait_for_partitions([&first]);
    longest_wait(&client, 0, QUESTIONS);
    let mut both = [first, system.spawn(&setup)];
    let mut asked = QUESTIONS;
    wait_until("the end of one processor", PATIENCE, || {
        longest_wait(&client, asked, 1);
        asked += 1;
        let has_one_ended = both.iter_mut().any(|processor| processor.exit_status().is_some());
        has_one_ended.then_some(()).ok_or_else(|| "both run".to_owned())
    });
    longest_wait(&client, asked, QUESTIONS);
    let ended = both.iter_mut().filter_map(|processor| {
        let status = processor.exit_status()?;
        Some((status.code(), processor.has_logged("needs an ABACUS_INSTANCE_ID of its own")))
    });
    assert_eq!(ended.collect::<Vec<_>>(), [(Some(1), true)]);
}
