//! The number itself.

use std::cmp::Ordering;

use num_bigint::BigUint;

use crate::limbs::{self, BASE};
use crate::{binary, bits, decimal, power, product, text};

/// An integer from zero up, of any size, in decimal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Natural {
    /// Below [`BASE`] each, least significant first, without zeros on top.
    limbs: Vec<u64>,
}

impl Natural {
    /// Limbs that may have zeros on top.
    fn from_limbs(limbs: Vec<u64>) -> Self {
        Self { limbs: limbs::trimmed(limbs) }
    }

    /// The number that a text of nothing but ASCII digits stands for, in linear time.
    pub fn from_digits(digits: &str) -> Self {
        Self { limbs: text::read(digits) }
    }

    /// Whether this is zero.
    pub fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// The number, if it is below 10¹⁶.
    pub fn to_word(&self) -> Option<u64> {
        limbs::to_word(&self.limbs)
    }

    /// The number as decimal text followed by this many zeros, in linear time.
    pub fn to_decimal(&self, zeros: usize) -> String {
        text::write(&self.limbs, zeros)
    }

    /// Bits of the number followed by this many decimal zeros. Exact; takes no time to speak of,
    /// save next to a power of two, where it takes that of computing the power.
    pub fn bits(&self, zeros: usize) -> u64 {
        bits::count(&self.limbs, zeros)
    }

    /// Decimal digits; zero has one.
    pub fn digits(&self) -> usize {
        text::length(&self.limbs)
    }

    /// The sum.
    #[must_use]
    pub fn plus(mut self, addend: &Self) -> Self {
        limbs::add(&mut self.limbs, &addend.limbs, 0);
        self
    }

    /// The difference, or zero where `subtrahend` is larger.
    #[must_use]
    pub fn minus(mut self, subtrahend: &Self) -> Self {
        if limbs::subtract(&mut self.limbs, &subtrahend.limbs) {
            return Self::default();
        }
        limbs::trim(&mut self.limbs);
        self
    }

    /// The product.
    #[must_use]
    pub fn times(&self, factor: &Self) -> Self {
        Self::from_limbs(product::multiply(&self.limbs, &factor.limbs))
    }

    /// The product with a word, in linear time where the word is below 10¹⁶.
    #[must_use]
    pub fn times_word(mut self, word: u64) -> Self {
        if word >= BASE {
            return self.times(&Self::from(word));
        }
        limbs::multiply_by_word(&mut self.limbs, word);
        Self::from_limbs(self.limbs)
    }

    /// The square: a product by itself, in two thirds of the time.
    #[must_use]
    pub fn squared(&self) -> Self {
        Self::from_limbs(product::square(&self.limbs))
    }

    /// The power; to the power of zero, one.
    #[must_use]
    pub fn power(&self, exponent: u64) -> Self {
        Self { limbs: power::power(&self.limbs, exponent) }
    }

    /// The power, with a question before each big product that may end it by an error.
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

/// By halving, with decimal products: the work of some of them.
impl From<&BigUint> for Natural {
    fn from(number: &BigUint) -> Self {
        Self { limbs: decimal::from_binary(number) }
    }
}

/// By halving, with `num-bigint`'s products.
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
