//! Between big integers and decimal text. The seam for faster decimal arithmetic: nothing else in
//! the workspace converts.

use num_bigint::{BigInt, BigUint};

/// Up to this many digits, `num-bigint`'s quadratic reading is the faster one.
const DIRECT_EXPONENT: u32 = 2_000;
const DIRECT_DIGITS: usize = DIRECT_EXPONENT as usize;

/// The number in decimal digits, with a leading minus if negative.
pub fn to_decimal(number: &BigInt) -> String {
    number.to_string()
}

/// The number that ASCII digits stand for, by halving: the work is that of a few products of the
/// number's size, where `num-bigint` alone takes quadratic time.
pub(crate) fn from_digits(digits: &str) -> BigUint {
    let mut powers = vec![];
    let mut zeros = DIRECT_DIGITS;
    while zeros < digits.len() {
        powers.push(match powers.last() {
            None => BigUint::from(10_u8).pow(DIRECT_EXPONENT),
            Some(power) => power * power,
        });
        zeros *= 2;
    }
    join_halves(digits, &powers)
}

/// `powers` are the powers of ten with [`DIRECT_DIGITS`] zeros, twice as many, and so on; the last
/// one cuts `digits` in two.
fn join_halves(digits: &str, powers: &[BigUint]) -> BigUint {
    let Some((power, smaller)) = powers.split_last() else {
        return read(digits);
    };
    let low_digits = DIRECT_DIGITS << smaller.len();
    if digits.len() <= low_digits {
        return join_halves(digits, smaller);
    }
    let (high, low) = digits.split_at(digits.len() - low_digits);
    join_halves(high, smaller) * power + join_halves(low, smaller)
}

#[expect(clippy::expect_used, reason = "an `Integer` holds nothing but ASCII digits")]
fn read(digits: &str) -> BigUint {
    BigUint::parse_bytes(digits.as_bytes(), 10).expect("decimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_by_halves_agrees_with_reading_directly() {
        let pattern = "9081726354".repeat(1_000);
        for length in [1, 1_999, 2_000, 2_001, 3_999, 4_000, 4_001, 7_777, 8_001, 10_000] {
            let digits = &pattern[..length];
            assert_eq!(from_digits(digits), read(digits), "{length} digits");
        }
    }

    #[test]
    fn zeros_at_the_cuts_are_kept() {
        let digits = format!("1{}", "0".repeat(9_000));
        assert_eq!(from_digits(&digits), BigUint::from(10_u8).pow(9_000));
    }

    #[test]
    fn text_and_number_are_inverse() {
        let digits = "31415926535897932384626433832795".repeat(500);
        assert_eq!(to_decimal(&from_digits(&digits).into()), digits);
        assert_eq!(to_decimal(&BigInt::from(-40)), "-40");
        assert_eq!(to_decimal(&BigInt::ZERO), "0");
    }
}
