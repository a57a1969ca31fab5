//! Honest callers: each has the right answer.

use abacus_check::oracle::{Expected, Oracle};

use crate::evidence::{Answer, Evidence, HonestCall};
use crate::verdict::{Verdict, Violation};

pub(super) fn judge(evidence: &Evidence, oracle: &mut Oracle, verdict: &mut Verdict) {
    for call in &evidence.honest {
        let HonestCall { question, channel, answer } = call;
        if is_right(answer, oracle.answer(question)) {
            verdict.note_right(*channel);
            verdict.succeeded += usize::from(matches!(answer, Answer::Told(_, Ok(_))));
        } else {
            verdict.note(Violation::WrongAnswer, || {
                let mut text = format!("{channel:?} {question:?}: {answer:?}");
                text.truncate(text.floor_char_boundary(500));
                text
            });
        }
    }
}

fn is_right(answer: &Answer, expected: &Expected) -> bool {
    match (answer, expected) {
        (Answer::Told(_, Ok(result)), Expected::Result { decimal, .. }) => result == decimal,
        (Answer::Told(_, Err(code)), Expected::Failure(expected)) => code == expected,
        _ => false,
    }
}
