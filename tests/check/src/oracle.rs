//! The right answers, computed by the simplest formulas. The oracle shares no code with the
//! services.

use std::collections::HashMap;

use num_bigint::{BigInt, BigUint};

use crate::question::{INVALID, Question};

/// The expected answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A result.
    Result {
        /// The integer in decimal digits.
        decimal: String,
        /// Number of bits of the absolute value.
        bits: u64,
    },
    /// A failure with this code.
    Failure(&'static str),
}

/// Computes answers, each only once.
#[derive(Debug, Default)]
pub struct Oracle {
    known: HashMap<Question, Expected>,
}

impl Oracle {
    /// Returns the expected answer to `question`.
    pub fn answer(&mut self, question: &Question) -> &Expected {
        if !self.known.contains_key(question) {
            self.known.insert(question.clone(), answer(question));
        }
        &self.known[question]
    }
}

fn answer(question: &Question) -> Expected {
    let refused = INVALID
        .iter()
        .find(|(operation, operands, _)| Question::new(operation, operands) == *question);
    if let Some((.., code)) = refused {
        return Expected::Failure(code);
    }
    let result = compute(question);
    Expected::Result { bits: result.bits(), decimal: result.to_string() }
}

fn compute(question: &Question) -> BigInt {
    let number = |name: &str| -> u32 { question.operands[name].parse().expect("a small number") };
    match question.operation.as_str() {
        "pow" => {
            let base: BigInt = question.operands["base"].parse().expect("a number");
            base.pow(number("exponent"))
        }
        "fibonacci" => fibonacci(number("n")).into(),
        "factorial" => (2..=number("n")).fold(BigUint::from(1_u32), |all, n| all * n).into(),
        other => panic!("no oracle for {other}"),
    }
}

fn fibonacci(n: u32) -> BigUint {
    let (mut this, mut next) = (BigUint::ZERO, BigUint::from(1_u32));
    for _ in 0..n {
        this += &next;
        std::mem::swap(&mut this, &mut next);
    }
    this
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(operation: &str, operands: &[(&str, &str)]) -> String {
        match Oracle::default().answer(&Question::new(operation, operands)) {
            Expected::Result { decimal, .. } => decimal.clone(),
            Expected::Failure(code) => panic!("{code}"),
        }
    }

    #[test]
    fn it_knows_what_everybody_knows() {
        assert_eq!(result("pow", &[("base", "-3"), ("exponent", "3")]), "-27");
        assert_eq!(result("pow", &[("base", "2"), ("exponent", "64")]), "18446744073709551616");
        assert_eq!(result("fibonacci", &[("n", "0")]), "0");
        assert_eq!(result("fibonacci", &[("n", "100")]), "354224848179261915075");
        assert_eq!(result("factorial", &[("n", "20")]), "2432902008176640000");
        let eight = Oracle::default().answer(&Question::new("fibonacci", &[("n", "6")])).clone();
        assert_eq!(eight, Expected::Result { decimal: "8".to_owned(), bits: 4 });
    }

    #[test]
    fn what_has_no_result_has_the_code_of_its_refusal() {
        let mut oracle = Oracle::default();
        for (operation, operands, code) in INVALID {
            let question = Question::new(operation, operands);
            assert_eq!(*oracle.answer(&question), Expected::Failure(code));
        }
    }
}
