//! The digit count of a power next to a power of ten, without computing the power. A double is not
//! precise enough there.

use abacus_arithmetic::Natural;
use num_bigint::BigUint;
use num_integer::Integer as _;

use crate::Integer;

/// Number of leading digits kept of every intermediate power.
const PRECISION: u64 = 1_200;

/// Bounds the number of digits of `base` to the power of `exponent`. The bounds differ only if the
/// power agrees with a power of ten in about its first 1,190 digits. Takes less than a millisecond
/// for any operands. `base` and `exponent` are not 0.
pub(super) fn digits(base: &Integer, exponent: u64) -> (u64, u64) {
    let base = Interval::around(base.digits());
    let mut power = base.clone();
    for bit in (0..exponent.ilog2()).rev() {
        power = power.times(&power);
        if exponent >> bit & 1 == 1 {
            power = power.times(&base);
        }
    }
    (power.zeros + decimal_length(&power.low), power.zeros + decimal_length(&power.high))
}

/// A number between `low` and `high`, both followed by `zeros` zeros.
#[derive(Clone)]
struct Interval {
    low: BigUint,
    high: BigUint,
    zeros: u64,
}

impl Interval {
    fn around(digits: &str) -> Self {
        let kept = digits.len().min(usize::try_from(PRECISION).unwrap_or(usize::MAX));
        let (head, tail) = digits.split_at(kept);
        let low = BigUint::from(&Natural::from_digits(head));
        let high = if tail.is_empty() { low.clone() } else { &low + 1_u8 };
        Self { low, high, zeros: tail.len() as u64 }
    }

    fn times(&self, other: &Self) -> Self {
        let (low, high) = (&self.low * &other.low, &self.high * &other.high);
        Self { low, high, zeros: self.zeros + other.zeros }.widened()
    }

    /// Rounds the interval outwards to at most [`PRECISION`] digits.
    fn widened(self) -> Self {
        let excess = decimal_length(&self.low).saturating_sub(PRECISION);
        let unit = BigUint::from(10_u8).pow(u32::try_from(excess).unwrap_or(u32::MAX));
        Self { low: self.low / &unit, high: self.high.div_ceil(&unit), zeros: self.zeros + excess }
    }
}

fn decimal_length(number: &BigUint) -> u64 {
    number.to_string().len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(text: &str) -> Integer {
        Integer::parse(text).unwrap()
    }

    #[test]
    fn digits_are_exact_for_ordinary_powers() {
        for (base, exponent) in [(3_u32, 1_u64), (3, 1_000), (7, 12_345), (99, 500), (2, 3_321)] {
            let exact = BigUint::from(base).pow(u32::try_from(exponent).unwrap());
            let length = decimal_length(&exact);
            assert_eq!(digits(&integer(&base.to_string()), exponent), (length, length));
        }
    }

    #[test]
    fn digits_are_told_apart_on_both_sides_of_a_power_of_ten() {
        // The integer square root of 10^1001, and the next integer.
        let below = BigUint::from(10_u8).pow(1_001).sqrt();
        let above = &below + 1_u8;
        assert_eq!(digits(&integer(&below.to_string()), 2), (1_001, 1_001));
        assert_eq!(digits(&integer(&above.to_string()), 2), (1_002, 1_002));
    }

    #[test]
    fn the_bounds_stay_true_where_the_precision_ends() {
        let root = BigUint::from(10_u8).pow(6_001).sqrt();
        assert_eq!(digits(&integer(&root.to_string()), 2), (6_001, 6_002));
    }
}
