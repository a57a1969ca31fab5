//! The request log has each request that a processor has read, and the counters of the projector add up
//! to all records.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::evidence::{Answer, Channel, Evidence, Fate, Projected};
use crate::shot::Target;
use crate::verdict::{Verdict, Violation};

pub(super) fn judge(evidence: &Evidence, verdict: &mut Verdict) {
    let Projected { requests, rejected, .. } = &evidence.projected;
    let certain: BTreeSet<Uuid> = ids(evidence, |fate| matches!(fate, Fate::Completed(_)));
    let possible: BTreeSet<Uuid> = ids(evidence, |fate| !matches!(fate, Fate::Ignored));
    for id in certain.iter().filter(|id| !requests.contains(id) && !rejected.contains(id)) {
        verdict.note(Violation::LogDiffers, || format!("request {id} has no row"));
    }
    for id in requests.union(rejected).filter(|id| !possible.contains(id)) {
        let is_completion = rejected.contains(id) && !requests.contains(id);
        if !is_completion {
            verdict.note(Violation::LogDiffers, || format!("row {id} has no request"));
        }
    }
    judge_counts(&evidence.projected, verdict);
}

/// Ids of requests with a fate of this sort, and of all requests over HTTP.
fn ids(evidence: &Evidence, is_meant: impl Fn(Fate) -> bool) -> BTreeSet<Uuid> {
    let records = evidence
        .written
        .iter()
        .filter(|written| written.target == Target::Requested && is_meant(written.fate));
    let records = records.filter_map(|written| match written.fate {
        Fate::Completed(content) | Fate::Either(content) => Some(content.id),
        Fate::Answered | Fate::DeadLetter | Fate::Ignored => None,
    });
    let over_http = evidence.honest.iter().filter(|call| call.channel == Channel::Http);
    let over_http = over_http.filter_map(|call| match &call.answer {
        Answer::Told(id, _) => *id,
        Answer::None(_) => None,
    });
    records.chain(over_http).collect()
}

fn judge_counts(projected: &Projected, verdict: &mut Verdict) {
    let Projected { entries, request_entries, skipped, expected_entries, .. } = *projected;
    if entries != expected_entries {
        verdict.note(Violation::Uncounted, || {
            format!("{expected_entries} records in the two topics, {entries} in batches")
        });
    }
    // A record is a request, a completion, or skipped.
    let completions = projected.readable_completions;
    if request_entries + completions + skipped != entries {
        verdict.note(Violation::Uncounted, || {
            format!(
                "{request_entries} requests, {completions} completions, {skipped} skipped of {entries}"
            )
        });
    }
}
