//! Tests of the judgement. Each test falsifies the evidence of a faultless run, and the judgement
//! must find the violation.

use abacus_schemas::{CacheLevel, ComputeCompleted, ComputeRequested, Outcome, Timestamp};

use super::comparison::question_of;
use super::*;
use crate::evidence::{Call, Channel, Completed, DirectCall, HttpAnswer, Reply, Requested};
use crate::oracle::Expected;
use crate::question::Question;
use crate::verdict::CallerCounts;

const DIRECT: usize = 3;

/// Three direct requests and one over HTTP, all completed.
fn faultless() -> Evidence {
    let questions = [
        Question::new("pow", &[("base", "2"), ("exponent", "10")]),
        Question::new("factorial", &[("n", "5")]),
        Question::new("factorial", &[("n", "-1")]),
        Question::new("fibonacci", &[("n", "10")]),
    ];
    let requested: Vec<Requested> = questions.iter().enumerate().map(requested).collect();
    let completed: Vec<Completed> = requested.iter().map(completed).collect();
    let calls = questions.iter().enumerate().map(|(number, question)| Call {
        question: question.clone(),
        channel: if number < DIRECT { direct(number) } else { over_http(question) },
    });
    Evidence {
        calls: calls.collect(),
        replies: completed[..DIRECT].iter().enumerate().map(reply).collect(),
        written: completed.len(),
        handed_over: 0,
        requested,
        completed,
        dead_letters: 0,
    }
}

fn requested((number, question): (usize, &Question)) -> Requested {
    let event = ComputeRequested {
        request_id: format!("id {number}"),
        operation: question.operation.clone(),
        operands: question.operands.clone(),
        requester: None,
        source: if number < DIRECT { "tests" } else { "http" }.to_owned(),
        requested_at: Timestamp::from_micros(0),
    };
    Requested { partition: i32::try_from(number).unwrap(), deadline: Some(1000), event }
}

fn completed(request: &Requested) -> Completed {
    let event = request.event.clone();
    let event = ComputeCompleted {
        outcome: outcome(&question_of(&event)),
        request_id: event.request_id,
        operation: event.operation,
        operands: event.operands,
        requester: event.requester,
        source: event.source,
        requested_at: event.requested_at,
        completed_at: Timestamp::from_micros(0),
        compute_micros: 1,
        cache: CacheLevel::None,
        processor: "one".to_owned(),
    };
    Completed { partition: request.partition, event }
}

fn outcome(question: &Question) -> Outcome {
    match Oracle::default().answer(question).clone() {
        Expected::Result { decimal, bits } => Outcome::Succeeded {
            digits: i64::try_from(decimal.len()).unwrap(),
            bits: i64::try_from(bits).unwrap(),
            result: decimal,
        },
        Expected::Failure(code) => failure(code),
    }
}

fn failure(code: &str) -> Outcome {
    Outcome::Failed { code: code.to_owned(), message: String::new() }
}

fn direct(number: usize) -> Channel {
    Channel::Direct(DirectCall {
        id: format!("id {number}"),
        correlation: format!("correlation {number}"),
        caller: 0,
        is_late: false,
        unwritten: None,
    })
}

fn reply((number, completed): (usize, &Completed)) -> Reply {
    Reply {
        caller: 0,
        correlation: format!("correlation {number}"),
        event: completed.event.clone(),
    }
}

fn over_http(question: &Question) -> Channel {
    let body = serde_json::json!({
        "request_id": "id 3", "operation": question.operation, "operands": question.operands,
        "result": "55",
    });
    Channel::Http(HttpAnswer::Response { status: 200, body: body.to_string() })
}

/// Judges a falsified run. Returns the violations.
#[track_caller]
fn broken_by(doctor: impl FnOnce(&mut Evidence)) -> Vec<Violation> {
    let mut evidence = faultless();
    doctor(&mut evidence);
    let verdict = judge(&evidence, &mut Oracle::default());
    assert_eq!(verdict.is_clean(), verdict.violations.is_empty());
    verdict.violations.into_kinds().collect()
}

fn direct_of(evidence: &mut Evidence, number: usize) -> &mut DirectCall {
    match &mut evidence.calls[number].channel {
        Channel::Direct(direct) => direct,
        Channel::Http(_) => panic!("{number} is asked over HTTP"),
    }
}

fn answer_over_http(status: u16, body: &str) -> Channel {
    Channel::Http(HttpAnswer::Response { status, body: body.to_owned() })
}

#[test]
fn a_faultless_run_is_clean_and_everything_is_counted() {
    let verdict = judge(&faultless(), &mut Oracle::default());
    assert!(verdict.is_clean(), "{:?}", verdict.violations);
    assert_eq!((verdict.requested, verdict.completed, verdict.written), (4, 4, 4));
    assert_eq!((verdict.succeeded, verdict.failed, verdict.expired), (3, 1, 0));
    let heard = |callers, answered, refused| CallerCounts {
        callers,
        answered,
        refused,
        ..CallerCounts::default()
    };
    assert_eq!((verdict.direct, verdict.http), (heard(3, 2, 1), heard(1, 1, 0)));
}

#[test]
fn a_completion_that_is_missing_or_there_twice_is_found() {
    assert_eq!(broken_by(|e| drop(e.completed.remove(1))), [Violation::Missing]);
    assert_eq!(broken_by(|e| e.completed.push(e.completed[0].clone())), [Violation::Duplicated]);
    let stranger = |e: &mut Evidence| {
        let mut stranger = e.completed[0].clone();
        stranger.event.request_id = "nobody's".to_owned();
        e.completed.push(stranger);
    };
    assert_eq!(broken_by(stranger), [Violation::Unasked]);
}

#[test]
fn a_completion_that_says_something_else_is_found() {
    let sevens = Outcome::Succeeded { result: "7".to_owned(), digits: 1, bits: 3 };
    let outcomes = [
        sevens,
        Outcome::Succeeded { result: "1024".to_owned(), digits: 5, bits: 11 },
        Outcome::Succeeded { result: "1024".to_owned(), digits: 4, bits: 12 },
        failure("internal"),
    ];
    for outcome in outcomes {
        assert_eq!(broken_by(|e| e.completed[0].event.outcome = outcome), [Violation::Wrong]);
    }
    let another_code =
        |e: &mut Evidence| e.completed[2].event.outcome = failure("unknown-operation");
    assert_eq!(broken_by(another_code), [Violation::Wrong]);
    assert_eq!(broken_by(|e| e.completed[0].event.source = "http".to_owned()), [Violation::Wrong]);
    assert_eq!(broken_by(|e| e.completed[0].partition = 3), [Violation::Misplaced]);
}

#[test]
fn an_expiry_counts_only_past_the_deadline() {
    let expire = |e: &mut Evidence| e.completed[0].event.outcome = failure("expired");
    assert_eq!(broken_by(expire), [Violation::Wrong]);
    let late = |e: &mut Evidence| {
        expire(e);
        e.completed[0].event.completed_at = Timestamp::from_micros(2_000_000);
    };
    assert_eq!(broken_by(late), []);
    let without_a_deadline = |e: &mut Evidence| {
        late(e);
        e.requested[0].deadline = None;
    };
    assert_eq!(broken_by(without_a_deadline), [Violation::Wrong]);
}

#[test]
fn a_request_that_vanished_or_that_nobody_sent_is_found() {
    let vanish = |e: &mut Evidence| {
        e.requested.remove(0);
        e.completed.remove(0);
    };
    assert_eq!(broken_by(vanish), [Violation::RequestLost]);
    let never_confirmed = |e: &mut Evidence| {
        vanish(e);
        e.replies.remove(0);
        direct_of(e, 0).unwritten = Some("the queue was full".to_owned());
    };
    assert_eq!(broken_by(never_confirmed), []);
    let twice = |e: &mut Evidence| e.requested.push(e.requested[0].clone());
    assert_eq!(broken_by(twice), [Violation::RequestUnasked]);
    let forget = |e: &mut Evidence| {
        e.calls.remove(0);
        e.replies.remove(0);
    };
    assert_eq!(broken_by(forget), [Violation::RequestUnasked]);
}

#[test]
fn a_reply_that_is_anothers_is_found() {
    let foreign = [Violation::Foreign, Violation::Unanswered];
    assert_eq!(broken_by(|e| e.replies[0].caller = 1), foreign);
    assert_eq!(broken_by(|e| e.replies[0].correlation = "nobody's".to_owned()), foreign);
    assert_eq!(broken_by(|e| e.replies[0].event = e.replies[1].event.clone()), foreign);
    let swapped = |e: &mut Evidence| {
        let (first, second) = (e.replies[0].correlation.clone(), e.replies[1].correlation.clone());
        e.replies[0].correlation = second;
        e.replies[1].correlation = first;
    };
    assert_eq!(broken_by(swapped), foreign);
}

#[test]
fn a_reply_that_is_wrong_or_missing_is_found_and_a_repeated_one_is_none() {
    assert_eq!(broken_by(|e| drop(e.replies.remove(0))), [Violation::Unanswered]);
    let wrong = |e: &mut Evidence| e.replies[0].event.outcome = failure("internal");
    assert_eq!(broken_by(wrong), [Violation::WrongAnswer]);
    let repeated = |e: &mut Evidence| e.replies.push(e.replies[0].clone());
    assert_eq!(broken_by(repeated), []);
    let too_late = |e: &mut Evidence| direct_of(e, 0).is_late = true;
    assert_eq!(broken_by(too_late), [Violation::WrongAnswer]);
}

#[test]
fn what_a_caller_over_http_may_not_hear_is_found() {
    let answered = |status, body: &str| {
        let channel = answer_over_http(status, body);
        broken_by(|e| e.calls[3].channel = channel)
    };
    let body = |id: &str, n: &str, result: &str| {
        format!(
            r#"{{"request_id":"{id}","operation":"fibonacci","operands":{{"n":"{n}"}},"result":"{result}"}}"#
        )
    };
    assert_eq!(answered(200, &body("id 3", "10", "55")), []);
    assert_eq!(answered(202, &body("id 3", "10", "")), []);
    assert_eq!(answered(503, "{}"), []);
    assert_eq!(answered(200, &body("id 3", "10", "54")), [Violation::WrongAnswer]);
    assert_eq!(answered(200, &body("id 3", "11", "89")), [Violation::Foreign]);
    assert_eq!(answered(200, &body("id 0", "10", "55")), [Violation::Foreign]);
    assert_eq!(answered(202, &body("nowhere", "10", "")), [Violation::Foreign]);
    assert_eq!(answered(422, r#"{"code":"result-too-large"}"#), [Violation::WrongAnswer]);
    assert_eq!(answered(500, "{}"), [Violation::WrongAnswer]);
    let channel = Channel::Http(HttpAnswer::NoResponse("reset".to_owned()));
    assert_eq!(broken_by(|e| e.calls[3].channel = channel), [Violation::Unanswered]);
}

#[test]
fn dead_letters_and_a_run_without_success_are_found() {
    assert_eq!(broken_by(|e| e.dead_letters = 1), [Violation::DeadLetter]);
    assert_eq!(broken_by(|e| *e = Evidence::default()), [Violation::NothingSucceeded]);
}
