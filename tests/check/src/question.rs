//! The questions of callers in a check: operations with operands, mostly cheap, some repeated,
//! costly or invalid.

use std::collections::BTreeMap;

use abacus_testkit::Random;

/// An operation with operands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Name of the operation.
    pub operation: String,
    /// Operands by name, as integers in decimal digits.
    pub operands: BTreeMap<String, String>,
}

/// An operation, operands, and the code of the refusal.
type Refused = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// Questions without a result.
pub(crate) const INVALID: [Refused; 6] = [
    ("no-such-operation", &[("n", "1")], "unknown-operation"),
    ("pow", &[("base", "2")], "missing-operand"),
    ("factorial", &[("n", "1"), ("m", "2")], "unexpected-operand"),
    ("pow", &[("base", "2"), ("exponent", "1e9")], "malformed-operand"),
    ("factorial", &[("n", "-1")], "operand-out-of-range"),
    ("fibonacci", &[("n", "99999999999999999999999")], "result-too-large"),
];

/// Number of questions asked under many ids, and number of costly questions.
const REPEATED: u64 = 50;
const COSTLY: u64 = 9;
/// Least index of a heavy Fibonacci number, with the lanes set by the check.
const HEAVY: u64 = 17_000;

impl Question {
    pub(crate) fn new(operation: &str, operands: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { operation: operation.to_owned(), operands: operands.iter().map(owned).collect() }
    }

    /// The question of the request `number`, determined by `seed`.
    pub fn of(seed: u64, number: u64) -> Self {
        let mut random = Random::about(seed, number);
        match random.below(1000) {
            0..=1 => costly(random.below(COSTLY)),
            2..=7 => of_n("fibonacci", HEAVY + number % 30_000),
            8..=32 => invalid(&mut random),
            33..=132 => repeated(random.below(REPEATED)),
            133..=232 => of_n("fibonacci", random.below(2000)),
            233..=282 => of_n("factorial", random.below(300)),
            // The base is unique, so the answer is unique too.
            _ => pow(number + 2, random.between(2, 60)),
        }
    }
}

fn pow(base: u64, exponent: u64) -> Question {
    Question::new("pow", &[("base", &base.to_string()), ("exponent", &exponent.to_string())])
}

fn of_n(operation: &str, n: u64) -> Question {
    Question::new(operation, &[("n", &n.to_string())])
}

fn costly(which: u64) -> Question {
    match which % 3 {
        0 => of_n("fibonacci", 200_000 + which * 1000),
        1 => of_n("factorial", 9000 + which),
        _ => pow(3, 80_000 + which),
    }
}

fn repeated(which: u64) -> Question {
    match which % 2 {
        0 => of_n("fibonacci", 3000 + which),
        _ => pow(7, 500 + which),
    }
}

fn invalid(random: &mut Random) -> Question {
    let (operation, operands, _) = random.one_of(&INVALID);
    Question::new(operation, operands)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_sort_of_question_comes_up_and_most_are_asked_once() {
        let questions: Vec<Question> = (0..3000).map(|number| Question::of(1, number)).collect();
        let is_costly = |question: &&Question| (0..COSTLY).any(|which| **question == costly(which));
        let is_repeated = |question: &&Question| (0..50).any(|which| **question == repeated(which));
        assert!(questions.iter().any(|question| is_costly(&question)));
        assert!(questions.iter().filter(is_repeated).count() > 100);
        let n = |question: &Question| question.operands.get("n").map_or(0, String::len);
        assert!(questions.iter().filter(|question| n(question) == 5).count() > 10);
        for (operation, operands, _) in INVALID {
            assert!(questions.contains(&Question::new(operation, operands)), "{operation}");
        }
        let distinct: HashSet<&Question> = questions.iter().collect();
        assert!(distinct.len() > 2000, "{} distinct", distinct.len());
    }
}
