//! The judgement: a pure comparison of what was written with what came out.

mod callers;
mod projection;
mod records;
mod services;
#[cfg(test)]
mod tests;

use abacus_check::oracle::Oracle;

use crate::evidence::Evidence;
use crate::kind::Kind;
use crate::verdict::{Verdict, Violation};

/// Judges the evidence.
pub(crate) fn judge(evidence: &Evidence, oracle: &mut Oracle) -> Verdict {
    let mut verdict = Verdict { completions: evidence.completions.len(), ..Verdict::default() };
    for (kind, refused) in &evidence.refused {
        verdict.kinds.entry(*kind).or_default().refused = *refused;
    }
    records::judge(evidence, &mut verdict);
    callers::judge(evidence, oracle, &mut verdict);
    projection::judge(evidence, &mut verdict);
    services::judge(evidence, &mut verdict);
    if evidence.is_whole {
        judge_coverage(&mut verdict);
    }
    verdict
}

fn judge_coverage(verdict: &mut Verdict) {
    for kind in Kind::all() {
        if !verdict.kinds.contains_key(&kind) {
            verdict.note(Violation::NeverWritten, || kind.to_string());
        }
    }
    if verdict.succeeded == 0 {
        verdict.note(Violation::NothingSucceeded, String::new);
    }
}
