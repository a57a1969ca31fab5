//! Why a request is refused before any work is done on it.

use thiserror::Error;

use crate::wording::{count, list};

/// A request that cannot be computed as it stands. The text says what to change, repeats no operand
/// of more than some forty characters, and is meant for the caller.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No operation has that name.
    #[error("there is no operation {operation}; choose one of {}", list(known))]
    UnknownOperation {
        /// The name asked for, quoted and cut if long.
        operation: String,
        /// The names there are.
        known: Vec<&'static str>,
    },

    /// An operand that the operation needs is absent.
    #[error("{operation} needs the operand `{operand}`: {meaning}")]
    MissingOperand {
        /// The operation asked for.
        operation: &'static str,
        /// The operand to add.
        operand: &'static str,
        /// What the operand is.
        meaning: &'static str,
    },

    /// An operand that the operation does not know.
    #[error("{operation} has no operand `{operand}`; it takes {}", list(expected))]
    UnexpectedOperand {
        /// The operation asked for.
        operation: &'static str,
        /// The operand to remove or rename, cut if long.
        operand: String,
        /// The operands there are.
        expected: Vec<&'static str>,
    },

    /// An operand that is not an integer in plain decimal digits.
    #[error("the operand `{operand}` {reason}, not {value}")]
    MalformedOperand {
        /// The operand to correct.
        operand: &'static str,
        /// What was given, quoted and cut if long.
        value: String,
        /// What to write instead.
        reason: &'static str,
    },

    /// An integer that the operation does not accept for this operand, or one that is too long to
    /// be read.
    #[error("the operand `{operand}` {reason}")]
    OperandOutOfRange {
        /// The operand to change.
        operand: &'static str,
        /// What is accepted.
        reason: String,
    },

    /// The result would have more digits than allowed.
    #[error(
        "{operation} of these operands would have {} digits, and at most {} are allowed; \
         use smaller operands",
        about(*estimated_digits), count(*limit_digits as f64)
    )]
    ResultTooLarge {
        /// The operation asked for.
        operation: &'static str,
        /// Decimal digits of the result; `f64::MAX` stands for more than that.
        estimated_digits: f64,
        /// The limit it exceeds.
        limit_digits: u64,
    },
}

impl Refusal {
    /// A stable name for programs.
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

    /// The operand to look at, where the refusal is about one.
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

/// Small counts are proven; from a quadrillion on, only the leading digits are.
fn about(digits: f64) -> String {
    if (1e15..f64::MAX).contains(&digits) {
        format!("about {}", count(digits))
    } else {
        count(digits)
    }
}
