//! The number type of results, before the conversion to an answer in decimal digits.

use abacus_arithmetic::Natural;
use num_bigint::{BigInt, BigUint, Sign};

use crate::Answer;

/// A computed number. `into` makes it from a [`BigInt`], a [`BigUint`] or a [`Natural`]. A
/// [`Natural`] is the fastest, as its digits need no conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    is_negative: bool,
    magnitude: Natural,
    /// Number of decimal zeros after the magnitude.
    zeros: usize,
    /// Number of bits of the whole number, if known.
    bits: Option<u64>,
}

impl Number {
    /// Changes the sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { is_negative: !self.is_negative && !self.magnitude.is_zero(), ..self }
    }

    /// Appends decimal zeros.
    #[must_use]
    pub(crate) fn followed_by_zeros(self, zeros: usize) -> Self {
        Self { zeros: self.zeros + zeros, bits: None, ..self }
    }

    /// Sets the number of bits, if known without counting.
    #[must_use]
    pub(crate) fn with_bits(self, bits: u64) -> Self {
        Self { bits: Some(bits), ..self }
    }

    /// Converts the number to the answer for callers.
    pub(crate) fn into_answer(self) -> Answer {
        let zeros = if self.magnitude.is_zero() { 0 } else { self.zeros };
        let bits = self.bits.unwrap_or_else(|| self.magnitude.bits(zeros));
        let digits = (self.magnitude.digits() + zeros) as u64;
        let mut decimal = self.magnitude.to_decimal(zeros);
        if self.is_negative {
            decimal.insert(0, '-');
        }
        Answer { decimal, digits, bits }
    }
}

impl From<Natural> for Number {
    fn from(magnitude: Natural) -> Self {
        Self { is_negative: false, magnitude, zeros: 0, bits: None }
    }
}

impl From<BigUint> for Number {
    fn from(number: BigUint) -> Self {
        Self::from(Natural::from(&number)).with_bits(number.bits())
    }
}

impl From<BigInt> for Number {
    fn from(number: BigInt) -> Self {
        let (sign, magnitude) = number.into_parts();
        let number = Self::from(magnitude);
        if sign == Sign::Minus { number.negated() } else { number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(number: impl Into<Number>) -> (String, u64, u64) {
        let Answer { decimal, digits, bits } = number.into().into_answer();
        (decimal, digits, bits)
    }

    #[test]
    fn every_kind_of_number_gives_the_same_answer() {
        let expected = ("12345678901234567890".to_owned(), 20, 64);
        assert_eq!(answer(BigUint::from(12_345_678_901_234_567_890_u64)), expected);
        assert_eq!(answer(BigInt::from(12_345_678_901_234_567_890_u64)), expected);
        assert_eq!(answer(Natural::from(12_345_678_901_234_567_890)), expected);
        let shifted = Number::from(Natural::from(1_234_567_890_123_456_789)).followed_by_zeros(1);
        assert_eq!(answer(shifted), expected);
    }

    #[test]
    fn signs_are_written_and_zero_has_none() {
        assert_eq!(answer(BigInt::from(-40)), ("-40".to_owned(), 2, 6));
        assert_eq!(answer(Number::from(Natural::from(7)).negated()), ("-7".to_owned(), 1, 3));
        assert_eq!(answer(Number::from(BigInt::ZERO).negated()), ("0".to_owned(), 1, 0));
        let zero = Number::from(Natural::default()).followed_by_zeros(5);
        assert_eq!(answer(zero), ("0".to_owned(), 1, 0));
    }
}
