//! The state of the projector: rows and counters.

use abacus_testkit::System;
use uuid::Uuid;

use crate::evidence::{DeadLetter, Projected};
use crate::outputs::Found;
use crate::services::Services;

/// Reads rows and counters.
pub(crate) fn gather(
    system: &System,
    services: &mut Services,
    found: &Found,
    dead_letters: &[DeadLetter],
) -> Projected {
    let topics = &system.topics;
    let requested: i64 = system.kafka.end_offsets(&topics.requested).iter().sum();
    let requested = u64::try_from(requested).unwrap();
    let (completions, readable) = found.completion_counts();
    let rejected = "SELECT request_id::text FROM rejected_records WHERE topic = $1";
    let rejected_completions = ids(system, rejected, &topics.completed);
    let count = |services: &mut Services, name: &str| services.projector().count(name, &[]);
    Projected {
        requests: ids(
            system,
            "SELECT request_id::text FROM compute_requested WHERE $1 <> ''",
            &topics.requested,
        )
        .into_iter()
        .collect(),
        rejected: ids(system, rejected, &topics.requested).into_iter().collect(),
        entries: count(services, "abacus_projector_batch_records_sum"),
        request_entries: count(services, "abacus_projector_requests_total"),
        skipped: count(services, "abacus_projector_skipped_records_total"),
        expected_entries: requested - hidden(dead_letters) + completions as u64,
        readable_completions: (readable - rejected_completions.len()) as u64,
    }
}

/// Number of records of unreadable batches, less one for each batch: the projector counts batches.
fn hidden(dead_letters: &[DeadLetter]) -> u64 {
    dead_letters.iter().map(|letter| (letter.last - letter.first).cast_unsigned()).sum()
}

fn ids(system: &System, select: &str, topic: &str) -> Vec<Uuid> {
    let rows = system.database.connect().query(select, &[&topic]).unwrap();
    rows.iter().map(|row| row.get::<_, String>(0).parse().expect("a UUID")).collect()
}
