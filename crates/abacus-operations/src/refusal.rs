//! Refusals of requests, before any work is done.

use thiserror::Error;

use crate::wording::{count, list};

/// A request that cannot be computed. The text tells the caller what to change, and quotes at most
/// some forty characters of an operand.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No operation has this name.
    #[error("there is no operation {operation}; choose one of {}", list(known))]
    UnknownOperation {
        /// The requested name, quoted, and cut if long.
        operation: String,
        /// The names of all operations.
        known: Vec<&'static str>,
    },

    /// A required operand is missing.
    #[error("{operation} needs the operand `{operand}`: {meaning}")]
    MissingOperand {
        /// The requested operation.
        operation: &'static str,
        /// The missing operand.
        operand: &'static str,
        /// The meaning of the operand.
        meaning: &'static str,
    },

    /// An operand that the operation does not declare.
    #[error("{operation} has no operand `{operand}`; it takes {}", list(expected))]
    UnexpectedOperand {
        /// The requested operation.
        operation: &'static str,
        /// The operand to remove or rename, cut if long.
        operand: String,
        /// The declared operands.
        expected: Vec<&'static str>,
    },

    /// An operand that is not an integer in plain decimal digits.
    #[error("the operand `{operand}` {reason}, not {value}")]
    MalformedOperand {
        /// The operand to correct.
        operand: &'static str,
        /// The given value, quoted, and cut if long.
        value: String,
        /// How to write the operand.
        reason: &'static str,
    },

    /// An integer outside the domain of the operand, or too long to read.
    #[error("the operand `{operand}` {reason}")]
    OperandOutOfRange {
        /// The operand to change.
        operand: &'static str,
        /// The accepted integers.
        reason: String,
    },

    /// The result would have more digits than the limit.
    #[error(
        "{operation} of these operands would have {} digits, and at most {} are allowed; \
         use smaller operands",
        about(*estimated_digits), count(*limit_digits as f64)
    )]
    ResultTooLarge {
        /// The requested operation.
        operation: &'static str,
        /// Decimal digits of the result. `f64::MAX` stands for any larger number.
        estimated_digits: f64,
        /// Largest number of digits allowed.
        limit_digits: u64,
    },
}

impl Refusal {
    /// A stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownOperation { .. } => "unknown-operation",
            Self::MissingOperand { .. } => "missing-operand",
            Self::UnexpectedOperand { .. } => "unexpected-operand",
            Self::MalformedOperand { .. } => "malformed-operand",
            Self::OperandOutOfRange { .. } => "operand-out-of-range",
            Self::ResultTooLarge { .. } => "result-too-large",
        }
    }

    /// The operand to correct, if the refusal concerns a single operand.
    pub fn operand(&self) -> Option<&str> {
        match self {
            Self::UnknownOperation { .. } | Self::ResultTooLarge { .. } => None,
            Self::MissingOperand { operand, .. }
            | Self::MalformedOperand { operand, .. }
            | Self::OperandOutOfRange { operand, .. } => Some(operand),
            Self::UnexpectedOperand { operand, .. } => Some(operand),
        }
    }
}

/// Writes a digit count. Counts below a quadrillion are proven; of larger counts only the leading
/// digits are.
fn about(digits: f64) -> String {
    if (1e15..f64::MAX).contains(&digits) {
        format!("about {}", count(digits))
    } else {
        count(digits)
    }
}
