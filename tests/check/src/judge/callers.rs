//! The judgement of callers: replies and responses against the calls.

use std::collections::HashMap;

use serde_json::Value;

use super::comparison::{ById, Comparison, compare, in_short, is_echo, is_expired, question_of};
use crate::evidence::{Call, Channel, DirectCall, Evidence, HttpAnswer, Reply};
use crate::oracle::{Expected, Oracle};
use crate::question::Question;
use crate::verdict::{Verdict, Violation};

/// Judges direct callers. Each must have the reply to its question, and no other caller's reply.
pub(super) fn judge_direct(evidence: &Evidence, oracle: &mut Oracle, verdict: &mut Verdict) {
    let mut callers: HashMap<&str, (&Call, &DirectCall, usize)> = HashMap::new();
    for call in &evidence.calls {
        if let Channel::Direct(direct) = &call.channel {
            callers.insert(&direct.correlation, (call, direct, 0));
        }
    }
    for reply in &evidence.replies {
        match callers.get_mut(reply.correlation.as_str()) {
            Some((call, direct, count)) if is_own(reply, call, direct) => {
                *count += 1;
                judge_reply(reply, (call, direct, *count), oracle, verdict);
            }
            _ => {
                verdict.direct.foreign += 1;
                verdict.note(Violation::Foreign, || in_short(&reply.event));
            }
        }
    }
    verdict.direct.callers = callers.len();
    for (_, direct, count) in callers.values() {
        match (count, &direct.unwritten) {
            (0, Some(_)) => verdict.direct.refused += 1,
            (0, None) => {
                verdict.direct.waiting += 1;
                verdict.note(Violation::Unanswered, || direct.id.clone());
            }
            _ => {}
        }
    }
}

fn is_own(reply: &Reply, call: &Call, direct: &DirectCall) -> bool {
    reply.caller == direct.caller
        && reply.event.request_id == direct.id
        && is_echo(&reply.event, &call.question)
}

fn judge_reply(
    reply: &Reply,
    (call, direct, count): (&Call, &DirectCall, usize),
    oracle: &mut Oracle,
    verdict: &mut Verdict,
) {
    let outcome = &reply.event.outcome;
    let comparison = compare(outcome, oracle.answer(&call.question));
    let heard = &mut verdict.direct;
    let counter = match comparison {
        _ if direct.is_late && is_expired(outcome) => &mut heard.refused,
        Comparison::Result if !direct.is_late => &mut heard.answered,
        Comparison::Failure => &mut heard.refused,
        _ => return verdict.note(Violation::WrongAnswer, || in_short(&reply.event)),
    };
    if count == 1 {
        *counter += 1;
    } else {
        heard.repeated += 1;
    }
}

/// Judges callers over HTTP. Each must have the result of its question, an error, or a 202 for a
/// completed request.
pub(super) fn judge_http(
    evidence: &Evidence,
    requests: &ById<'_>,
    oracle: &mut Oracle,
    verdict: &mut Verdict,
) {
    for call in &evidence.calls {
        let Channel::Http(answer) = &call.channel else { continue };
        verdict.http.callers += 1;
        match answer {
            HttpAnswer::NoResponse(error) => verdict.note(Violation::Unanswered, || error.clone()),
            HttpAnswer::Response { status, body } => {
                let expected = oracle.answer(&call.question);
                let kind = kind(*status, body, (&call.question, expected), requests);
                count(kind, verdict, || format!("{:?}: {status} {body}", call.question));
            }
        }
    }
}

/// The meaning of a response for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResponseKind {
    Answer,
    Refusal,
    Promise,
    Foreign,
    Wrong,
}

fn count(kind: ResponseKind, verdict: &mut Verdict, example: impl Fn() -> String) {
    let example = || example().chars().take(300).collect();
    let heard = &mut verdict.http;
    match kind {
        ResponseKind::Answer => heard.answered += 1,
        ResponseKind::Refusal => heard.refused += 1,
        ResponseKind::Promise => heard.waiting += 1,
        ResponseKind::Foreign => {
            heard.foreign += 1;
            verdict.note(Violation::Foreign, example);
        }
        ResponseKind::Wrong => verdict.note(Violation::WrongAnswer, example),
    }
}

fn kind(
    status: u16,
    body: &str,
    (question, expected): (&Question, &Expected),
    requests: &ById<'_>,
) -> ResponseKind {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let request = body["request_id"].as_str().and_then(|id| requests.get(id));
    let is_known = request.is_some_and(|request| question_of(&request.event) == *question);
    match (status, expected) {
        (503 | 504, _) => ResponseKind::Refusal,
        (422, Expected::Failure(code)) if body["code"] == *code => ResponseKind::Refusal,
        (200 | 202, Expected::Result { .. }) if !is_known => ResponseKind::Foreign,
        (202, Expected::Result { .. }) => ResponseKind::Promise,
        (200, Expected::Result { decimal, .. }) => result(&body, question, decimal),
        _ => ResponseKind::Wrong,
    }
}

fn result(body: &Value, question: &Question, decimal: &str) -> ResponseKind {
    let is_mine = body["operation"] == question.operation.as_str()
        && body["operands"] == serde_json::json!(question.operands);
    match body["result"].as_str() {
        _ if !is_mine => ResponseKind::Foreign,
        Some(result) if result == decimal => ResponseKind::Answer,
        _ => ResponseKind::Wrong,
    }
}
