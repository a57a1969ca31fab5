//! The judgement of requests and completions.

use std::collections::HashMap;

use super::comparison::{ById, Comparison, compare, in_short, is_expired, question_of};
use crate::evidence::{Channel, Completed, Evidence, Requested};
use crate::oracle::Oracle;
use crate::verdict::{Verdict, Violation};

/// Source of a request over HTTP, as set by the ingress.
const HTTP: &str = "http";

/// Judges the requests. Every confirmed request must be in the topic once and unchanged, and no
/// other request may be there.
pub(super) fn judge_requests<'a>(evidence: &'a Evidence, verdict: &mut Verdict) -> ById<'a> {
    let mut by_id = ById::new();
    for request in &evidence.requested {
        if by_id.insert(&request.event.request_id, request).is_some() {
            verdict
                .note(Violation::RequestUnasked, || format!("twice: {}", request.event.request_id));
        }
    }
    let mut asked = 0;
    for call in &evidence.calls {
        let Channel::Direct(direct) = &call.channel else { continue };
        match by_id.get(direct.id.as_str()) {
            Some(request) if question_of(&request.event) == call.question => asked += 1,
            Some(request) => {
                verdict.note(Violation::RequestUnasked, || format!("{:?}", request.event));
            }
            None if direct.unwritten.is_some() => {}
            None => verdict.note(Violation::RequestLost, || direct.id.clone()),
        }
    }
    let over_http = by_id.values().filter(|request| request.event.source == HTTP).count();
    for _ in asked + over_http..by_id.len() {
        verdict.note(Violation::RequestUnasked, || "an id that nobody has sent".to_owned());
    }
    by_id
}

/// Judges the completions. Every request must have exactly one completion, with the right answer
/// and in the right partition.
pub(super) fn judge_completions(
    evidence: &Evidence,
    requests: &ById<'_>,
    oracle: &mut Oracle,
    verdict: &mut Verdict,
) {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for completed in &evidence.completed {
        let id = completed.event.request_id.as_str();
        let Some(request) = requests.get(id) else {
            verdict.note(Violation::Unasked, || in_short(&completed.event));
            continue;
        };
        let count = counts.entry(id).or_default();
        *count += 1;
        if *count > 1 {
            verdict.note(Violation::Duplicated, || in_short(&completed.event));
        }
        judge_completion(completed, request, oracle, verdict);
    }
    for (id, request) in requests {
        if !counts.contains_key(id) {
            verdict.note(Violation::Missing, || format!("{:?}", request.event));
        }
    }
}

fn judge_completion(
    completed: &Completed,
    request: &Requested,
    oracle: &mut Oracle,
    verdict: &mut Verdict,
) {
    let Completed { partition, event } = completed;
    if *partition != request.partition {
        verdict.note(Violation::Misplaced, || in_short(event));
    }
    let comparison = compare(&event.outcome, oracle.answer(&question_of(&request.event)));
    if !is_whole_echo(completed, request) {
        verdict.note(Violation::Wrong, || format!("no echo: {}", in_short(event)));
    } else if is_expired(&event.outcome) && is_over(completed, request) {
        verdict.expired += 1;
    } else {
        match comparison {
            Comparison::Result => verdict.succeeded += 1,
            Comparison::Failure => verdict.failed += 1,
            Comparison::Different => verdict.note(Violation::Wrong, || in_short(event)),
        }
    }
}

fn is_whole_echo(completed: &Completed, request: &Requested) -> bool {
    let (completion, request) = (&completed.event, &request.event);
    completion.operation == request.operation
        && completion.operands == request.operands
        && completion.requester == request.requester
        && completion.source == request.source
        && completion.requested_at == request.requested_at
}

/// Returns whether the deadline of the request had passed.
fn is_over(completed: &Completed, request: &Requested) -> bool {
    let at = completed.event.completed_at.as_micros() / 1000;
    request.deadline.is_some_and(|deadline| deadline <= at)
}
