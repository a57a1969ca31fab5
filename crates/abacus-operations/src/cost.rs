//! How much work a computation is, as a model: no clock, the same on every machine.

/// Estimated word operations (one 64-bit multiply-and-add each). Meant for comparing computations
/// and choosing where to run them, right within a small factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(u64);

/// Up to this many words, multiplication is the schoolbook's.
const SCHOOLBOOK_WORDS: f64 = 32.0;
/// Above that it is Karatsuba's and Toom-3, which over three decades of sizes took the time of this
/// power of the length.
const EXPONENT: f64 = 1.52;
/// Conversions in products of two halves of the number, measured likewise. Writing divides; reading
/// multiplies.
const PRODUCTS_TO_WRITE: f64 = 8.5;
const PRODUCTS_TO_READ: f64 = 3.5;

impl Cost {
    /// The work that is there whatever the operands are.
    pub const MINIMUM: Self = Self(64);

    /// So many word operations.
    pub fn from_word_operations(operations: u64) -> Self {
        Self(operations)
    }

    /// The work of one product that has this many bits, of two factors half as long.
    pub fn of_product(bits: f64) -> Self {
        let words = (bits / 128.0).max(1.0);
        let operations = if words <= SCHOOLBOOK_WORDS {
            words * words
        } else {
            SCHOOLBOOK_WORDS.powi(2) * (words / SCHOOLBOOK_WORDS).powf(EXPONENT)
        };
        Self::MINIMUM.plus(Self::from_operations(operations))
    }

    /// The work of writing a number of this many bits as decimal text.
    pub fn of_writing(bits: f64) -> Self {
        Self::of_product(bits).times(PRODUCTS_TO_WRITE)
    }

    /// The work of reading a number of this many bits from decimal text.
    pub fn of_reading(bits: f64) -> Self {
        Self::of_product(bits).times(PRODUCTS_TO_READ)
    }

    /// Both pieces of work.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// This work, so many times.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self::from_operations(self.0 as f64 * factor)
    }

    /// The estimate as a number; saturates.
    pub fn word_operations(self) -> u64 {
        self.0
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    fn from_operations(operations: f64) -> Self {
        Self(operations as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_numbers_cost_more() {
        let bits = [0.0, 1e2, 1e3, 4e3, 5e3, 1e4, 1e6, 1e9];
        let costs = bits.map(Cost::of_product);
        assert!(costs.is_sorted(), "{costs:?}");
        assert!(Cost::of_writing(1e6) > Cost::of_reading(1e6));
    }

    #[test]
    fn small_products_are_the_schoolbooks() {
        let words_32 = Cost::of_product(2.0 * 32.0 * 64.0);
        assert_eq!(words_32, Cost::MINIMUM.plus(Cost(1_024)));
    }

    #[test]
    fn costs_saturate() {
        assert_eq!(Cost::of_product(f64::MAX).word_operations(), u64::MAX);
        assert_eq!(Cost(u64::MAX).plus(Cost(1)), Cost(u64::MAX));
    }
}
