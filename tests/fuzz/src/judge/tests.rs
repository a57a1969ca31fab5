//! The judge accepts good evidence, and finds every falsification.

use abacus_check::Question;
use abacus_check::oracle::Expected;
use abacus_testkit::Position;
use uuid::Uuid;

use super::*;
use crate::evidence::{
    Answer, Channel, Completion, DeadLetter, Fate, HonestCall, Projected, ServiceEnd, Stuck,
    Written,
};
use crate::shot::{Content, Target};

fn content(id: u128, digest: u64) -> Content {
    Content { id: Uuid::from_u128(id), digest }
}

fn at(offset: i64) -> Position {
    Position { partition: 1, offset }
}

fn written(number: u64, kind: Kind, fate: Fate) -> Written {
    let position = at(number.cast_signed());
    Written { number, kind, target: Target::Requested, position, fate }
}

fn completion(content: Content) -> Completion {
    Completion { position: at(0), content, is_shortened: false }
}

fn dead_letter(first: i64, last: i64) -> DeadLetter {
    let class = "malformed".to_owned();
    DeadLetter { target: Target::Requested, partition: 1, first, last, class }
}

/// A question with its answer.
fn asked() -> (Question, String) {
    let mut oracle = Oracle::default();
    let answered = (0..).map(|number| Question::of(1, number)).find_map(|question| {
        let Expected::Result { decimal, .. } = oracle.answer(&question).clone() else {
            return None;
        };
        Some((question, decimal))
    });
    answered.expect("most questions have a result")
}

/// Records 0 and 1: an honest request and its repeat; 2: garbage; 3 and 4: an unreadable batch;
/// 5: another content under the id of 0; 6: either; 7: a request over HTTP.
fn good() -> Evidence {
    let (question, result) = asked();
    let told = |id| Answer::Told(Some(Uuid::from_u128(id)), Ok(result.clone()));
    let call = |channel, id| HonestCall { question: question.clone(), channel, answer: told(id) };
    let mut evidence = Evidence {
        is_whole: true,
        written: vec![
            written(0, Kind::Honest, Fate::Completed(content(1, 1))),
            written(1, Kind::Repeated, Fate::Completed(content(1, 1))),
            written(2, Kind::RandomBytes, Fate::DeadLetter),
            written(3, Kind::UnreadableBatch, Fate::DeadLetter),
            written(4, Kind::UnreadableBatch, Fate::DeadLetter),
            written(5, Kind::Repeated, Fate::Completed(content(1, 2))),
            written(6, Kind::Damaged, Fate::Either(content(2, 1))),
        ],
        completions: [content(1, 1), content(1, 2), content(2, 1), content(7, 9)]
            .map(completion)
            .into(),
        dead_letters: vec![dead_letter(2, 2), dead_letter(3, 4)],
        honest: vec![call(Channel::Kafka(0), 1), call(Channel::Http, 7)],
        projected: Projected {
            requests: [1, 2, 7].map(Uuid::from_u128).into(),
            entries: 12,
            request_entries: 6,
            skipped: 2,
            expected_entries: 12,
            readable_completions: 4,
            ..Projected::default()
        },
        services: vec![ServiceEnd {
            name: "processor",
            exit: None,
            is_ready: true,
            peak: 1,
            bound: 1,
            panics: 0,
        }],
        ..Evidence::default()
    };
    let missing =
        Kind::all().filter(|kind| !evidence.written.iter().any(|written| written.kind == *kind));
    evidence.refused = missing.map(|kind| (kind, 1)).collect();
    evidence
}

fn found(falsify: impl FnOnce(&mut Evidence)) -> Vec<Violation> {
    let mut evidence = good();
    falsify(&mut evidence);
    let verdict = judge(&evidence, &mut Oracle::default());
    verdict.violations.into_kinds().collect()
}

#[test]
fn good_evidence_has_no_violation() {
    let verdict = judge(&good(), &mut Oracle::default());
    assert!(verdict.is_clean(), "{verdict:?}");
    assert_eq!((verdict.right, verdict.succeeded, verdict.repeats), ([1, 1], 2, 1));
    let counts = verdict.kinds[&Kind::UnreadableBatch];
    assert_eq!((counts.written, counts.dead, counts.completed), (2, 2, 0));
}

#[test]
fn a_record_that_may_be_readable_is_completed_or_dead() {
    let is_dead = |evidence: &mut Evidence| {
        evidence.completions.remove(2);
        evidence.dead_letters.push(dead_letter(6, 6));
        evidence.projected.requests.remove(&Uuid::from_u128(2));
    };
    assert_eq!(found(is_dead), []);
    assert_eq!(found(|evidence| _ = evidence.completions.remove(2)), [Violation::Lost]);
    let both = |evidence: &mut Evidence| evidence.dead_letters.push(dead_letter(6, 6));
    assert_eq!(found(both), [Violation::Invented]);
}

#[test]
fn each_lost_doubled_or_invented_output_is_found() {
    assert_eq!(found(|evidence| _ = evidence.completions.remove(0)), [Violation::Lost]);
    assert_eq!(found(|evidence| _ = evidence.completions.remove(3)), [Violation::Lost]);
    assert_eq!(found(|evidence| _ = evidence.dead_letters.remove(0)), [Violation::Tolerated]);
    assert_eq!(found(|evidence| _ = evidence.dead_letters.remove(1)), [Violation::Tolerated]);
    let again = |evidence: &mut Evidence| evidence.dead_letters.push(dead_letter(4, 4));
    assert_eq!(found(again), [Violation::RepeatedDeadLetter]);
    let nowhere = |evidence: &mut Evidence| evidence.dead_letters.push(dead_letter(9, 9));
    assert_eq!(found(nowhere), [Violation::Invented]);
    for doubled in [2, 3] {
        let twice = |evidence: &mut Evidence| {
            let completion = evidence.completions[doubled];
            evidence.completions.push(completion);
        };
        assert_eq!(found(twice), [Violation::Duplicated]);
    }
    let foreign = |evidence: &mut Evidence| evidence.completions.push(completion(content(8, 8)));
    assert_eq!(found(foreign), [Violation::Invented]);
    let other = |evidence: &mut Evidence| evidence.completions[2] = completion(content(2, 5));
    assert_eq!(found(other), [Violation::Invented]);
    let elsewhere = |evidence: &mut Evidence| evidence.completions[2].position.partition = 2;
    assert_eq!(found(elsewhere), [Violation::Lost, Violation::Invented]);
}

#[test]
fn a_repeat_with_a_completion_of_its_own_and_a_dead_readable_request_are_found() {
    let of_repeat = |evidence: &mut Evidence| {
        evidence.completions.push(completion(content(1, 1)));
        evidence.completions.push(completion(content(1, 1)));
    };
    assert_eq!(found(of_repeat), [Violation::Duplicated]);
    let dead = |evidence: &mut Evidence| {
        evidence.dead_letters.push(dead_letter(5, 5));
        evidence.completions.remove(1);
    };
    assert_eq!(found(dead), [Violation::ReadableDeadLetter]);
}

#[test]
fn a_wrong_or_missing_answer_is_found() {
    let wrong = Answer::Told(Some(Uuid::from_u128(1)), Ok("7".to_owned()));
    for answer in [wrong, Answer::None("no reply".to_owned())] {
        let falsified = |evidence: &mut Evidence| evidence.honest[0].answer = answer.clone();
        assert_eq!(found(falsified), [Violation::WrongAnswer]);
    }
    let silent = |evidence: &mut Evidence| {
        evidence.honest.clear();
        evidence.completions.pop();
        evidence.projected.requests.remove(&Uuid::from_u128(7));
    };
    assert_eq!(found(silent), [Violation::NothingSucceeded]);
}

#[test]
fn a_log_that_lacks_or_invents_a_request_is_found() {
    let lacks = |evidence: &mut Evidence| _ = evidence.projected.requests.pop_first();
    assert_eq!(found(lacks), [Violation::LogDiffers]);
    let invents =
        |evidence: &mut Evidence| _ = evidence.projected.requests.insert(Uuid::from_u128(99));
    assert_eq!(found(invents), [Violation::LogDiffers]);
    let rejects = |evidence: &mut Evidence| {
        let id = evidence.projected.requests.pop_first().unwrap();
        evidence.projected.rejected.insert(id);
    };
    assert_eq!(found(rejects), []);
    assert_eq!(found(|evidence| evidence.projected.skipped = 1), [Violation::Uncounted]);
    assert_eq!(found(|evidence| evidence.projected.expected_entries = 13), [Violation::Uncounted]);
}

#[test]
fn a_service_that_ended_stopped_or_grew_is_found() {
    let ended = |evidence: &mut Evidence| evidence.services[0].exit = Some("signal 9".to_owned());
    assert_eq!(found(ended), [Violation::Ended]);
    assert_eq!(found(|evidence| evidence.services[0].is_ready = false), [Violation::NotReady]);
    assert_eq!(found(|evidence| evidence.services[0].panics = 1), [Violation::Panicked]);
    assert_eq!(found(|evidence| evidence.services[0].peak = 2), [Violation::Memory]);
    let stuck = |evidence: &mut Evidence| {
        let target = Target::Requested;
        evidence.stuck.push(Stuck { group: "processor", target, position: at(3), end: 9 });
    };
    assert_eq!(found(stuck), [Violation::Stuck]);
}

#[test]
fn a_kind_of_record_that_was_never_written_is_found() {
    assert_eq!(found(|evidence| evidence.refused.clear()), [Violation::NeverWritten]);
}
