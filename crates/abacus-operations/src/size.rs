//! The size of a result, known before the computation.

use std::f64::consts::LOG2_10;

/// Bound on the relative error of an estimated logarithm. The estimates take a handful of
/// operations, each with a relative error of at most 2⁻⁵² (the standard library's logarithms are
/// within one or two units in the last place). The bound leaves a factor of 32.
const RELATIVE_ERROR: f64 = 1.0 / (1_u64 << 47) as f64;
const ABSOLUTE_ERROR: f64 = 1e-12;

/// The size of a result: its logarithm, and proven bounds on its number of decimal digits.
///
/// The bounds differ only if the logarithm is within its error of a whole number. The limit is
/// compared with the lower bound, so a result within the limit is never refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    log10: f64,
    fewest_digits: u64,
    most_digits: u64,
}

impl Size {
    /// The size of a result whose absolute value is 0 or 1.
    pub const UNIT: Self = Self { log10: 0.0, fewest_digits: 1, most_digits: 1 };

    /// The size of a result with this decimal logarithm, known to some 14 significant digits (or 12
    /// decimal places, for small ones). Accepts infinity and numbers below 0.
    pub fn from_log10(log10: f64) -> Self {
        let log10 = log10.clamp(0.0, f64::MAX);
        let error = log10 * RELATIVE_ERROR + ABSOLUTE_ERROR;
        Self {
            log10,
            fewest_digits: whole_digits(log10 - error),
            most_digits: whole_digits(log10 + error),
        }
    }

    /// Narrows the bounds on the digit count.
    #[must_use]
    pub fn within(self, fewest: u64, most: u64) -> Self {
        Self {
            fewest_digits: self.fewest_digits.max(fewest),
            most_digits: self.most_digits.min(most),
            ..self
        }
    }

    /// Lower bound on the number of decimal digits, without the sign.
    pub fn fewest_digits(&self) -> u64 {
        self.fewest_digits
    }

    /// Upper bound on the number of decimal digits, without the sign.
    pub fn most_digits(&self) -> u64 {
        self.most_digits
    }

    /// Estimated decimal digits, also beyond the range of an integer type. At most `f64::MAX`.
    pub fn estimated_digits(&self) -> f64 {
        if self.most_digits == u64::MAX { self.log10 } else { self.most_digits as f64 }
    }

    /// Estimated bits. At most `f64::MAX`.
    pub fn bits(&self) -> f64 {
        (self.log10 * LOG2_10).min(f64::MAX)
    }
}

/// Returns the number of decimal digits of a number with this logarithm. Saturates.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn whole_digits(log10: f64) -> u64 {
    (log10.max(0.0) as u64).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_logarithms_give_one_digit_count() {
        let size = Size::from_log10(19.5);
        assert_eq!((size.fewest_digits(), size.most_digits()), (20, 20));
        assert!((size.bits() - 64.777).abs() < 0.001);
    }

    #[test]
    fn whole_logarithms_leave_two_open_until_they_are_narrowed() {
        let size = Size::from_log10(1_000_000.0);
        assert_eq!((size.fewest_digits(), size.most_digits()), (1_000_000, 1_000_001));
        assert_eq!(size.within(1_000_001, u64::MAX).fewest_digits(), 1_000_001);
    }

    #[test]
    fn sizes_beyond_every_type_stay_numbers() {
        let size = Size::from_log10(f64::INFINITY);
        assert_eq!((size.fewest_digits(), size.estimated_digits()), (u64::MAX, f64::MAX));
        assert_eq!(Size::from_log10(f64::NEG_INFINITY), Size::UNIT);
    }
}
