//! The oracle: right answers, computed with Python's integers.

use std::collections::{BTreeMap, HashMap};

use abacus_testkit::Stack;

use crate::python;

/// A computation: an operation with operands.
pub(crate) type Question = (String, BTreeMap<String, String>);

/// Computes the right answers to questions.
pub(crate) fn answers(
    stack: &Stack,
    questions: impl IntoIterator<Item = Question>,
) -> HashMap<Question, String> {
    let questions: Vec<Question> = questions.into_iter().collect();
    let answers: Vec<String> = python::run(stack, "oracle.py", &questions);
    assert_eq!(questions.len(), answers.len());
    questions.into_iter().zip(answers).collect()
}
