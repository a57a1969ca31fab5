//! The judgement: a pure comparison of the calls with the topics.

mod callers;
mod comparison;
mod completions;
#[cfg(test)]
mod tests;

use crate::evidence::Evidence;
use crate::oracle::Oracle;
use crate::verdict::{Verdict, Violation};

/// Judges the evidence.
pub fn judge(evidence: &Evidence, oracle: &mut Oracle) -> Verdict {
    let mut verdict = Verdict {
        requested: evidence.requested.len(),
        handed_over: evidence.handed_over,
        completed: evidence.completed.len(),
        written: evidence.written,
        ..Verdict::default()
    };
    let requests = completions::judge_requests(evidence, &mut verdict);
    completions::judge_completions(evidence, &requests, oracle, &mut verdict);
    callers::judge_direct(evidence, oracle, &mut verdict);
    callers::judge_http(evidence, &requests, oracle, &mut verdict);
    for _ in 0..evidence.dead_letters {
        verdict.note(Violation::DeadLetter, String::new);
    }
    if verdict.succeeded == 0 {
        verdict.note(Violation::NothingSucceeded, String::new);
    }
    verdict
}
