//! Compares every case of `oracle.json`, computed by `oracle.py` with Python's integers: sizes,
//! refusals at the border, and the whole value by its ends and its remainders.

#![allow(
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests"
)]

use std::collections::BTreeMap;

use abacus_operations::{Answer, Limits, Prepared, Refusal, prepare};
use serde_json::Value;

#[test]
fn every_answer_is_the_one_that_python_gives() {
    let oracle = oracle();
    let primes: Vec<u64> = numbers(&oracle["primes"]);
    let mut answers = 0;
    for case in oracle["cases"].as_array().unwrap() {
        let Ok(prepared) = request(case) else { continue };
        check(case, &prepared, &prepared.answer(&|| false).unwrap(), &primes);
        answers += 1;
    }
    assert!(answers > 250, "only {answers} answers were checked");
}

#[test]
fn exactly_the_results_over_a_million_digits_are_refused() {
    let oracle = oracle();
    let mut refusals = 0;
    for case in oracle["cases"].as_array().unwrap() {
        let is_too_large = match request(case) {
            Ok(_) => false,
            Err(Refusal::ResultTooLarge { estimated_digits, limit_digits: 1_000_000, .. }) => {
                assert_eq!(estimated_digits, case["digits"].as_f64().unwrap(), "{}", name(case));
                refusals += 1;
                true
            }
            Err(refusal) => panic!("{}: {refusal}", name(case)),
        };
        assert_eq!(case["too_large"], is_too_large, "{}", name(case));
    }
    assert!(refusals > 8, "only {refusals} refusals were checked");
}

fn check(case: &Value, prepared: &Prepared, answer: &Answer, primes: &[u64]) {
    let name = name(case);
    let digits = answer.decimal.trim_start_matches('-');
    assert_eq!(case["negative"], answer.decimal.starts_with('-'), "{name}");
    assert_eq!(case["digits"], answer.digits, "{name}");
    assert_eq!(case["digits"], digits.len(), "{name}");
    assert_eq!(case["digits"], prepared.estimated_digits(), "{name}");
    assert_eq!(case["bits"], answer.bits, "{name}");
    assert_eq!(case["first"], digits[..digits.len().min(20)], "{name}");
    assert_eq!(case["last"], digits[digits.len().saturating_sub(20)..], "{name}");
    let remainders: Vec<u64> = primes.iter().map(|prime| remainder(digits, *prime)).collect();
    assert_eq!(numbers(&case["remainders"]), remainders, "{name}");
}

/// Computes the remainder of the text by Horner's rule.
fn remainder(digits: &str, prime: u64) -> u64 {
    let step = |remainder, digit: u8| {
        let next = u128::from(remainder) * 10 + u128::from(digit - b'0');
        u64::try_from(next % u128::from(prime)).unwrap()
    };
    digits.bytes().fold(0, step)
}

fn oracle() -> Value {
    serde_json::from_str(include_str!("oracle.json")).unwrap()
}

fn request(case: &Value) -> Result<Prepared, Refusal> {
    let operands = case["operands"].as_object().unwrap();
    let operands: BTreeMap<String, String> =
        operands.iter().map(|(name, pieces)| (name.clone(), spell(pieces))).collect();
    prepare(case["operation"].as_str().unwrap(), &operands, &Limits::default())
}

/// Joins `[text, times]` pieces.
fn spell(pieces: &Value) -> String {
    let piece = |piece: &Value| {
        let times = usize::try_from(piece[1].as_u64().unwrap()).unwrap();
        piece[0].as_str().unwrap().repeat(times)
    };
    pieces.as_array().unwrap().iter().map(piece).collect()
}

fn numbers(values: &Value) -> Vec<u64> {
    values.as_array().unwrap().iter().map(|value| value.as_u64().unwrap()).collect()
}

fn name(case: &Value) -> String {
    format!("{} {}", case["operation"], case["operands"])
}
