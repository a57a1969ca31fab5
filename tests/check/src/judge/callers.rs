//! What callers heard against what they asked.

use std::collections::HashMap;

use serde_json::Value;

use super::comparison::{ById, Comparison, compare, in_short, is_echo, is_expired, question_of};
use crate::evidence::{Asked, Direct, Evidence, HttpAnswer, Reply, Way};
use crate::oracle::{Expected, Oracle};
use crate::question::Question;
use crate::verdict::{Broken, Verdict};

/// Every direct caller has the reply to its own question, and nobody else's.
pub(super) fn judge_direct(evidence: &Evidence, oracle: &mut Oracle, verdict: &mut Verdict) {
    let mut callers: HashMap<&str, (&Asked, &Direct, usize)> = HashMap::new();
    for asked in &evidence.asked {
        if let Way::Direct(direct) = &asked.way {
            callers.insert(&direct.correlation, (asked, direct, 0));
        }
    }
    for reply in &evidence.replies {
        match callers.get_mut(reply.correlation.as_str()) {
            Some((asked, direct, count)) if is_own(reply, asked, direct) => {
                *count += 1;
                judge_reply(reply, (asked, direct, *count), oracle, verdict);
            }
            _ => {
                verdict.direct.foreign += 1;
                verdict.note(Broken::Foreign, || in_short(&reply.event));
            }
        }
    }
    verdict.direct.callers = callers.len();
    for (_, direct, count) in callers.values() {
        match (count, &direct.unwritten) {
            (0, Some(_)) => verdict.direct.refused += 1,
            (0, None) => {
                verdict.direct.waiting += 1;
                verdict.note(Broken::Unanswered, || direct.id.clone());
            }
            _ => {}
        }
    }
}

fn is_own(reply: &Reply, asked: &Asked, direct: &Direct) -> bool {
    reply.caller == direct.caller
        && reply.event.request_id == direct.id
        && is_echo(&reply.event, &asked.question)
}

fn judge_reply(
    reply: &Reply,
    (asked, direct, count): (&Asked, &Direct, usize),
    oracle: &mut Oracle,
    verdict: &mut Verdict,
) {
    let outcome = &reply.event.outcome;
    let comparison = compare(outcome, oracle.answer(&asked.question));
    let heard = &mut verdict.direct;
    let counter = match comparison {
        _ if direct.is_late && is_expired(outcome) => &mut heard.refused,
        Comparison::Result if !direct.is_late => &mut heard.answered,
        Comparison::Failure => &mut heard.refused,
        _ => return verdict.note(Broken::WrongAnswer, || in_short(&reply.event)),
    };
    if count == 1 {
        *counter += 1;
    } else {
        heard.repeated += 1;
    }
}

/// Every caller over HTTP has the result of its own question, an error, or a promise that is kept.
pub(super) fn judge_http(
    evidence: &Evidence,
    requests: &ById<'_>,
    oracle: &mut Oracle,
    verdict: &mut Verdict,
) {
    for asked in &evidence.asked {
        let Way::Http(answer) = &asked.way else { continue };
        verdict.http.callers += 1;
        match answer {
            HttpAnswer::None(error) => verdict.note(Broken::Unanswered, || error.clone()),
            HttpAnswer::Response { status, body } => {
                let expected = oracle.answer(&asked.question);
                let meaning = meaning(*status, body, (&asked.question, expected), requests);
                count(meaning, verdict, || format!("{:?}: {status} {body}", asked.question));
            }
        }
    }
}

/// What a response is to the one who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Answer,
    Refusal,
    Promise,
    Foreign,
    Wrong,
}

fn count(meaning: Meaning, verdict: &mut Verdict, example: impl Fn() -> String) {
    let example = || example().chars().take(300).collect();
    let heard = &mut verdict.http;
    match meaning {
        Meaning::Answer => heard.answered += 1,
        Meaning::Refusal => heard.refused += 1,
        Meaning::Promise => heard.waiting += 1,
        Meaning::Foreign => {
            heard.foreign += 1;
            verdict.note(Broken::Foreign, example);
        }
        Meaning::Wrong => verdict.note(Broken::WrongAnswer, example),
    }
}

fn meaning(
    status: u16,
    body: &str,
    (question, expected): (&Question, &Expected),
    requests: &ById<'_>,
) -> Meaning {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let request = body["request_id"].as_str().and_then(|id| requests.get(id));
    let is_known = request.is_some_and(|request| question_of(&request.event) == *question);
    match (status, expected) {
        (503 | 504, _) => Meaning::Refusal,
        (422, Expected::Failure(code)) if body["code"] == *code => Meaning::Refusal,
        (200 | 202, Expected::Result { .. }) if !is_known => Meaning::Foreign,
        (202, Expected::Result { .. }) => Meaning::Promise,
        (200, Expected::Result { decimal, .. }) => result(&body, question, decimal),
        _ => Meaning::Wrong,
    }
}

fn result(body: &Value, question: &Question, decimal: &str) -> Meaning {
    let is_mine = body["operation"] == question.operation.as_str()
        && body["operands"] == serde_json::json!(question.operands);
    match body["result"].as_str() {
        _ if !is_mine => Meaning::Foreign,
        Some(result) if result == decimal => Meaning::Answer,
        _ => Meaning::Wrong,
    }
}
