//! Results on their way from a computation to the caller.

use num_bigint::{BigInt, BigUint};

use crate::{Answer, to_decimal};

/// A computed number, made from a [`BigInt`] or a [`BigUint`] by `into`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(BigInt);

impl Number {
    /// The number as callers get it.
    pub(crate) fn into_answer(self) -> Answer {
        let decimal = to_decimal(&self.0);
        let digits = decimal.trim_start_matches('-').len() as u64;
        Answer { decimal, digits, bits: self.0.bits() }
    }
}

impl From<BigInt> for Number {
    fn from(number: BigInt) -> Self {
        Self(number)
    }
}

impl From<BigUint> for Number {
    fn from(number: BigUint) -> Self {
        Self(number.into())
    }
}
