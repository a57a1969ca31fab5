//! The number type of the crate.

use std::cmp::Ordering;

use num_bigint::BigUint;

use crate::limbs::{self, BASE};
use crate::{binary, bits, decimal, power, product, text};

/// A natural number of any size, in decimal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Natural {
    /// Limbs below [`BASE`], least significant first, without zeros on top.
    limbs: Vec<u64>,
}

impl Natural {
    /// A number from limbs that may have zeros on top.
    fn from_limbs(limbs: Vec<u64>) -> Self {
        Self { limbs: limbs::trimmed(limbs) }
    }

    /// Reads a text of ASCII digits, in linear time.
    ///
    /// ```
    /// use abacus_arithmetic::Natural;
    ///
    /// let digits = "340282366920938463463374607431768211456";
    /// let number = Natural::from_digits(digits);
    /// assert_eq!(number, Natural::from(2).power(128));
    /// assert_eq!(number.to_decimal(0), digits);
    /// ```
    pub fn from_digits(digits: &str) -> Self {
        Self { limbs: text::read(digits) }
    }

    /// Returns whether the number is zero.
    pub fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// The number as a word, if it is below 10¹⁶.
    pub fn to_word(&self) -> Option<u64> {
        limbs::to_word(&self.limbs)
    }

    /// Writes the number as decimal text, followed by `zeros` zeros, in linear time.
    pub fn to_decimal(&self, zeros: usize) -> String {
        text::write(&self.limbs, zeros)
    }

    /// Counts the bits of the number followed by `zeros` decimal zeros. The count is exact and
    /// takes almost no time, except next to a power of two, where it takes the time of computing
    /// the power.
    pub fn bits(&self, zeros: usize) -> u64 {
        bits::count(&self.limbs, zeros)
    }

    /// Number of decimal digits. Zero has one digit.
    pub fn digits(&self) -> usize {
        text::length(&self.limbs)
    }

    /// Adds a number.
    #[must_use]
    pub fn plus(mut self, addend: &Self) -> Self {
        limbs::add(&mut self.limbs, &addend.limbs, 0);
        self
    }

    /// Subtracts a number. Returns zero if `subtrahend` is larger.
    #[must_use]
    pub fn minus(mut self, subtrahend: &Self) -> Self {
        if limbs::subtract(&mut self.limbs, &subtrahend.limbs) {
            return Self::default();
        }
        limbs::trim(&mut self.limbs);
        self
    }

    /// Multiplies by a number.
    #[must_use]
    pub fn times(&self, factor: &Self) -> Self {
        Self::from_limbs(product::multiply(&self.limbs, &factor.limbs))
    }

    /// Multiplies by a word, in linear time if the word is below 10¹⁶.
    #[must_use]
    pub fn times_word(mut self, word: u64) -> Self {
        if word >= BASE {
            return self.times(&Self::from(word));
        }
        limbs::multiply_by_word(&mut self.limbs, word);
        Self::from_limbs(self.limbs)
    }

    /// Squares the number, in two thirds of the time of a product.
    #[must_use]
    pub fn squared(&self) -> Self {
        Self::from_limbs(product::square(&self.limbs))
    }

    /// Computes the power. The power with exponent zero is one.
    #[must_use]
    pub fn power(&self, exponent: u64) -> Self {
        Self { limbs: power::power(&self.limbs, exponent) }
    }

    /// Computes the power. Calls `check` before each big product; an error ends the computation.
    pub fn try_power<E>(
        &self,
        exponent: u64,
        check: impl Fn() -> Result<(), E>,
    ) -> Result<Self, E> {
        power::try_power(&self.limbs, exponent, check).map(|limbs| Self { limbs })
    }
}

impl From<u64> for Natural {
    fn from(number: u64) -> Self {
        Self { limbs: limbs::from_word(number) }
    }
}

/// Converts by halving, with decimal products. Costs a few products.
impl From<&BigUint> for Natural {
    fn from(number: &BigUint) -> Self {
        Self { limbs: decimal::from_binary(number) }
    }
}

/// Converts by halving, with the products of `num-bigint`.
impl From<&Natural> for BigUint {
    fn from(number: &Natural) -> Self {
        binary::to_binary(&number.limbs)
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        limbs::compare(&self.limbs, &other.limbs)
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests;
