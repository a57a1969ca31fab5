//! The services: alive, ready, without panics, within their memory, and at the end of each partition.

use std::collections::BTreeMap;

use abacus_testkit::Position;

use super::records::described;
use crate::evidence::{Evidence, Stuck};
use crate::verdict::{Verdict, Violation};

pub(super) fn judge(evidence: &Evidence, verdict: &mut Verdict) {
    for service in &evidence.services {
        let name = service.name;
        if let Some(exit) = &service.exit {
            verdict.note(Violation::Ended, || format!("{name}: {exit}"));
            continue;
        }
        if !service.is_ready {
            verdict.note(Violation::NotReady, || name.to_owned());
        }
        if service.panics > 0 {
            verdict.note(Violation::Panicked, || format!("{name}: {} times", service.panics));
        }
        if service.peak > service.bound {
            let [peak, bound] = [service.peak, service.bound].map(|bytes| bytes >> 20);
            verdict.note(Violation::Memory, || format!("{name}: {peak} MiB of {bound} MiB"));
        }
    }
    for stuck in &evidence.stuck {
        verdict.note(Violation::Stuck, || {
            let Stuck { group, target, position, end } = stuck;
            let Position { partition, offset } = position;
            let culprit = first_from(evidence, stuck).unwrap_or_default();
            format!("{group} at {target:?} {partition}:{offset} of {end}: {culprit}")
        });
    }
}

/// Names the first record at the position or behind it.
fn first_from(evidence: &Evidence, stuck: &Stuck) -> Option<String> {
    let behind: BTreeMap<i64, String> = evidence
        .written
        .iter()
        .filter(|written| {
            written.target == stuck.target
                && written.position.partition == stuck.position.partition
                && written.position.offset >= stuck.position.offset
        })
        .map(|written| (written.position.offset, described(written)))
        .collect();
    behind.into_values().next()
}
