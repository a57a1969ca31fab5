//! Laws that hold for all operands, tested over the public interface.

#![allow(clippy::cast_precision_loss, clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use abacus_operations::{Limits, Prepared, Refusal, prepare};
use num_bigint::BigInt;
use proptest::prelude::*;

proptest! {
    #[test]
    fn fibonacci_numbers_obey_the_addition_law(m in 1_u32..6_000, n in 0_u32..6_000) {
        // F(m + n) = F(m) F(n + 1) + F(m - 1) F(n)
        let sum = fibonacci(m) * fibonacci(n + 1) + fibonacci(m - 1) * fibonacci(n);
        prop_assert_eq!(fibonacci(m + n), sum);
    }

    #[test]
    fn a_factorial_is_n_times_the_one_before(n in 1_u32..5_000) {
        prop_assert_eq!(factorial(n), factorial(n - 1) * n);
    }

    #[test]
    fn exponents_add_up(base in "-?[1-9][0-9]{0,60}", x in 0_u32..300, y in 0_u32..300) {
        prop_assert_eq!(pow(&base, x + y), pow(&base, x) * pow(&base, y));
    }

    #[test]
    fn exponents_multiply(base in -1_000_i32..1_000, x in 0_u32..60, y in 0_u32..60) {
        let inner = pow(&base.to_string(), x).to_string();
        prop_assert_eq!(pow(&inner, y), pow(&base.to_string(), x * y));
    }

    #[test]
    fn only_odd_powers_of_negative_numbers_are_negative(base in 1_u64.., exponent in 0_u32..200) {
        let positive = pow(&base.to_string(), exponent);
        let expected = if exponent % 2 == 1 { -positive } else { positive };
        prop_assert_eq!(pow(&format!("-{base}"), exponent), expected);
    }

    #[test]
    fn spelling_changes_neither_canonical_form_nor_answer(
        base in any::<i64>(),
        exponent in 0_u32..20,
        zeros in "0{0,30}",
    ) {
        let sign = if base < 0 { "-" } else { "" };
        let respelled = prepared("pow", &[
            ("base", &format!("{sign}{zeros}{}", base.unsigned_abs())),
            ("exponent", &format!("{zeros}{exponent}")),
        ]).unwrap();
        prop_assert_eq!(respelled.canonical(), format!("pow({base},{exponent})"));
        prop_assert_eq!(number(&respelled), pow(&base.to_string(), exponent));
    }

    #[test]
    fn estimates_are_the_sizes_of_the_answers(base in "-?[1-9][0-9]{0,40}", exponent in 0_u32..500) {
        let exponent = exponent.to_string();
        let prepared = prepared("pow", &[("base", &base), ("exponent", &exponent)]).unwrap();
        let answer = prepared.answer(&|| false).unwrap();
        prop_assert_eq!(prepared.estimated_digits(), answer.digits);
        prop_assert!((prepared.estimated_bits() - answer.bits as f64).abs() < 1.01);
    }

    #[test]
    fn a_limit_refuses_exactly_the_results_that_exceed_it(
        base in 2_u64..2_000,
        exponent in 1_u32..400,
        spare in -2_i64..3,
    ) {
        let digits = pow(&base.to_string(), exponent).to_string().len() as u64;
        let limits = Limits { max_digits: digits.saturating_add_signed(spare), ..Limits::default() };
        let operands = operands(&[("base", &base.to_string()), ("exponent", &exponent.to_string())]);
        let is_refused = matches!(
            prepare("pow", &operands, &limits),
            Err(Refusal::ResultTooLarge { .. })
        );
        prop_assert_eq!(is_refused, spare < 0 && limits.max_digits < digits);
    }

    #[test]
    fn no_text_is_anything_but_an_answer_or_a_short_refusal(operation in ".*", text in ".*") {
        for name in [operation.as_str(), "pow", "fibonacci", "factorial"] {
            if let Err(refusal) = prepared(name, &[("n", &text)]) {
                prop_assert!(refusal.to_string().chars().count() < 400, "{}", refusal);
            }
        }
    }
}

fn fibonacci(n: u32) -> BigInt {
    number(&prepared("fibonacci", &[("n", &n.to_string())]).unwrap())
}

fn factorial(n: u32) -> BigInt {
    number(&prepared("factorial", &[("n", &n.to_string())]).unwrap())
}

fn pow(base: &str, exponent: u32) -> BigInt {
    number(&prepared("pow", &[("base", base), ("exponent", &exponent.to_string())]).unwrap())
}

fn number(prepared: &Prepared) -> BigInt {
    prepared.answer(&|| false).unwrap().decimal.parse().unwrap()
}

fn prepared(operation: &str, texts: &[(&str, &str)]) -> Result<Prepared, Refusal> {
    prepare(operation, &operands(texts), &Limits::default())
}

fn operands(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
    texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}
