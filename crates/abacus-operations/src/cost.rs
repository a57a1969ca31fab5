//! The cost model of computations. It reads no clock and gives equal costs on every machine.

use std::f64::consts::LOG10_2;

/// Estimated word operations. A word operation is one 64-bit multiply-and-add with its overhead,
/// about a nanosecond.
///
/// The estimate serves to compare computations and to choose where to run them. For the existing
/// operations, it is within a factor of two of the measured time, from 100 to a million digits
/// (last column of `cargo xtask bench arithmetic`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(u64);

impl Cost {
    /// The least work of any computation.
    pub const MINIMUM: Self = Self(64);

    /// A cost of this many word operations.
    pub fn from_word_operations(operations: u64) -> Self {
        Self(operations)
    }

    /// The work of a product of [`Natural`](abacus_arithmetic::Natural)s with this many bits and
    /// two factors half as long: the smaller of the costs of the schoolbook's method and of a
    /// transform.
    pub fn of_product(bits: f64) -> Self {
        let digits = digits(bits);
        let limbs = digits / 32.0;
        let schoolbook = limbs * (10.0 + 0.58 * limbs);
        let transform = digits * (1.9 + 0.75 * (digits / 1e4).log10().max(0.0));
        Self::MINIMUM.plus(Self::from_operations(schoolbook.min(transform)))
    }

    /// The work of a product of [`BigInt`](num_bigint::BigInt)s with this many bits and two factors
    /// half as long, including the conversions from and to decimal.
    pub fn of_binary_product(bits: f64) -> Self {
        let operations = 7.7 * digits(bits) * (digits(bits) / 1e3).powf(0.37);
        Self::MINIMUM.plus(Self::from_operations(operations))
    }

    /// The work of reading or writing a number of this many bits as decimal text, without
    /// conversion.
    pub fn of_text(bits: f64) -> Self {
        Self::from_operations(0.5 * digits(bits))
    }

    /// Adds two costs. The sum saturates.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Multiplies the cost. The product saturates.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self::from_operations(self.0 as f64 * factor)
    }

    /// The estimate as a number. Saturates.
    pub fn word_operations(self) -> u64 {
        self.0
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates"
    )]
    fn from_operations(operations: f64) -> Self {
        Self(operations as u64)
    }
}

/// Returns the number of decimal digits of a number with this many bits.
fn digits(bits: f64) -> f64 {
    (bits * LOG10_2).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_numbers_cost_more() {
        let bits = [0.0, 1e2, 1e3, 4e3, 5e3, 1e4, 1.3e4, 1.4e4, 1e5, 1e6, 1e9];
        for cost in [Cost::of_product, Cost::of_binary_product, Cost::of_text] {
            let costs = bits.map(cost);
            assert!(costs.is_sorted(), "{costs:?}");
        }
    }

    #[test]
    fn a_conversion_costs_more_than_a_product_without() {
        for bits in [1e3, 1e4, 1e5, 1e6, 1e7] {
            assert!(Cost::of_binary_product(bits) > Cost::of_product(bits).times(2.0), "{bits}");
            assert!(Cost::of_text(bits) < Cost::of_product(bits));
        }
    }

    #[test]
    fn costs_saturate() {
        assert_eq!(Cost::of_product(f64::MAX).word_operations(), u64::MAX);
        assert_eq!(Cost::of_binary_product(f64::MAX).word_operations(), u64::MAX);
        assert_eq!(Cost(u64::MAX).plus(Cost(1)), Cost(u64::MAX));
    }
}
