//! Computations end soon after an interruption.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::cell::Cell;
use std::collections::BTreeMap;

use abacus_operations::{Interrupted, Limits, Prepared, prepare};

#[test]
fn long_computations_ask_often_and_end_at_the_first_yes() {
    let long_base = "7".repeat(400_000);
    for (operation, operands) in [
        ("fibonacci", [("n", "4000000")].as_slice()),
        ("factorial", &[("n", "200000")]),
        ("pow", &[("base", "3"), ("exponent", "2000000")]),
        ("pow", &[("base", &long_base), ("exponent", "2")]),
        ("pow", &[("base", "123456789012345678901234567890"), ("exponent", "30000")]),
    ] {
        let prepared = prepared(operation, operands);
        let questions = questions(&prepared);
        assert!(questions >= if operands.len() == 2 { 2 } else { 20 }, "{operation}: {questions}");
        for last in [1, 2, questions / 2, questions] {
            assert_eq!(asked_until(&prepared, last.max(1)), last.max(1), "{operation}");
        }
    }
}

/// Counts the checks of a whole computation.
fn questions(prepared: &Prepared) -> u32 {
    let asked = Cell::new(0);
    let answer = prepared.answer(&|| {
        asked.set(asked.get() + 1);
        false
    });
    assert!(answer.is_ok());
    asked.get()
}

/// Counts the checks of a computation that is interrupted at check `last`.
fn asked_until(prepared: &Prepared, last: u32) -> u32 {
    let asked = Cell::new(0);
    let answer = prepared.answer(&|| {
        asked.set(asked.get() + 1);
        asked.get() >= last
    });
    assert_eq!(answer, Err(Interrupted));
    asked.get()
}

fn prepared(operation: &str, operands: &[(&str, &str)]) -> Prepared {
    let operands: BTreeMap<String, String> =
        operands.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    prepare(operation, &operands, &Limits::default()).unwrap()
}
