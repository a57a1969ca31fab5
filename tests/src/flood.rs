//! A flood of unreadable records from one producer, and callers meanwhile.

use std::time::Duration;

use abacus_testkit::{Isolation, Load, NewRecord, PATIENCE, Sample, wait_until};

use crate::poison::Setting;

const FLOOD: usize = 20_000;

fn path(number: usize) -> String {
    format!("/v1/pow/{}/61", number + 2)
}

/// Returns the median time of the answers. Fails if a caller got no result.
#[track_caller]
fn median(samples: &[Sample]) -> Duration {
    let took = |sample: &Sample| {
        let response = sample.response.as_ref().unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(response.status, 200, "{}", response.body);
        response.took
    };
    let mut all: Vec<Duration> = samples.iter().map(took).collect();
    all.sort();
    all[all.len() / 2]
}

#[test]
fn a_flood_of_unreadable_records_leaves_no_caller_without_a_result() {
    let setting = Setting::new();
    let system = &setting.system;
    let [mut ingress, mut processor, mut projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let client = ingress.http();
    let load = Load::start(&client, 4, path);
    load.wait_for(500);
    let without = median(&load.stop());
    let load = Load::start(&client, 4, |number| path(number + 100_000));
    let rubbish: Vec<NewRecord> = vec![setting.record("rubbish"); FLOOD];
    system.kafka.producer().produce_all(&rubbish);
    let counted = wait_until("the dead letters", PATIENCE, || {
        match processor.count("abacus_processor_dead_letters_total", &[]) {
            counted if counted >= FLOOD as u64 => Ok(counted),
            counted => Err(counted.to_string()),
        }
    });
    assert_eq!(counted, FLOOD as u64);
    let samples = load.stop();
    let with = median(&samples);
    // A measurement for readers of the output; no time is asserted.
    eprintln!("median {without:?} without, {with:?} with the flood, {} answers", samples.len());
    setting.wait_until_done();
    let dead_letters = system.kafka.scan(&system.topics.dead_letter, Isolation::Committed);
    assert_eq!(dead_letters.len(), FLOOD);
    let labels = [("reason", "malformed")];
    wait_until("the projector to skip the flood", PATIENCE, || {
        match projector.count("abacus_projector_skipped_records_total", &labels) {
            skipped if skipped == FLOOD as u64 => Ok(()),
            skipped => Err(skipped.to_string()),
        }
    });
}
