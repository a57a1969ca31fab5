//! An integer as callers write it. The integer stays text until a computation needs the number, so
//! checking a million digits takes no arithmetic on big integers.

use abacus_arithmetic::Natural;
use num_bigint::{BigInt, BigUint, Sign};

/// Number of digits that always fit a `u64`.
const U64_DIGITS: usize = 19;

/// An integer of any size in normal form: no leading zeros, no minus on zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integer {
    is_negative: bool,
    digits: String,
}

impl Integer {
    /// Parses an optional minus and decimal digits. The error tells the caller how to write the
    /// integer.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(advice(text));
        }
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(Self { is_negative: false, digits: "0".to_owned() });
        }
        Ok(Self { is_negative, digits: significant.to_owned() })
    }

    /// Returns whether the integer is below zero.
    pub fn is_negative(&self) -> bool {
        self.is_negative
    }

    /// Returns whether the integer is zero.
    pub fn is_zero(&self) -> bool {
        self.digits == "0"
    }

    /// Returns whether the integer is odd.
    pub fn is_odd(&self) -> bool {
        self.digits.bytes().last().is_some_and(|digit| digit % 2 == 1)
    }

    /// Returns whether the integer is 1, 0 or -1.
    pub fn is_unit_or_zero(&self) -> bool {
        matches!(self.digits.as_str(), "0" | "1")
    }

    /// The digits of the absolute value.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The absolute value, or `u64::MAX` if it is larger.
    pub fn saturating_u64(&self) -> u64 {
        self.digits.parse().unwrap_or(u64::MAX)
    }

    /// The absolute value, with the precision of a double. Infinite from about 10³⁰⁸ on.
    pub fn to_f64(&self) -> f64 {
        self.digits.parse().unwrap_or(f64::INFINITY)
    }

    /// The decimal logarithm of the absolute value, with the precision of a double. The logarithm
    /// of zero is minus infinity.
    pub fn log10(&self) -> f64 {
        let (head, tail) = self.digits.split_at(self.digits.len().min(U64_DIGITS));
        let head: u64 = head.parse().unwrap_or(u64::MAX);
        (head as f64).log10() + tail.len() as f64
    }

    /// The absolute value.
    pub fn magnitude(&self) -> BigUint {
        BigUint::from(&self.to_natural())
    }

    /// The absolute value in decimal, in linear time.
    pub fn to_natural(&self) -> Natural {
        Natural::from_digits(&self.digits)
    }

    /// The number.
    pub fn to_bigint(&self) -> BigInt {
        let sign = if self.is_negative { Sign::Minus } else { Sign::Plus };
        BigInt::from_biguint(sign, self.magnitude())
    }
}

impl std::fmt::Display for Integer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.is_negative { "-" } else { "" };
        write!(formatter, "{sign}{}", self.digits)
    }
}

/// Returns the advice for a text that is not an integer in plain digits. The advice completes "the
/// operand".
fn advice(text: &str) -> &'static str {
    let number = text.trim();
    let is_scientific = |c: char| matches!(c, 'e' | 'E');
    if number.is_empty() {
        "must be an integer in decimal digits"
    } else if number.len() != text.len() {
        "must be written without spaces around it"
    } else if number.starts_with('+') {
        "must be written without a plus sign"
    } else if number.starts_with('\u{2212}') {
        "must have the minus of the keyboard (-), not a typographic one"
    } else if number.contains(is_scientific) && number.parse::<f64>().is_ok() {
        "must be written out in decimal digits, such as 1000000000 for 1e9"
    } else if number.contains('.') && number.parse::<f64>().is_ok() {
        "must be an integer, without a decimal point"
    } else if is_grouped(number) {
        "must be written without separators between its digits"
    } else {
        "must be an integer in decimal digits, with a minus in front if it is negative"
    }
}

/// Returns whether the text is digits with separators, such as `1,000` or `1_000`.
fn is_grouped(text: &str) -> bool {
    let is_separator = |c: char| matches!(c, ',' | '_' | '.' | '\'' | ' ' | '\u{a0}' | '\u{202f}');
    text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && text.ends_with(|c: char| c.is_ascii_digit())
        && text.chars().skip(1).all(|c| c.is_ascii_digit() || is_separator(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_normalised() {
        for (text, normal) in [("7", "7"), ("007", "7"), ("-08", "-8"), ("-0", "0"), ("000", "0")] {
            assert_eq!(Integer::parse(text).unwrap().to_string(), normal);
        }
    }

    #[test]
    fn anything_else_is_told_what_to_write() {
        for (text, hint) in [
            ("", "decimal digits"),
            ("-", "decimal digits"),
            ("abc", "decimal digits"),
            ("0x10", "decimal digits"),
            ("--5", "decimal digits"),
            ("٣", "decimal digits"),
            ("+5", "plus sign"),
            (" 5", "spaces"),
            ("5\n", "spaces"),
            ("1e9", "1000000000"),
            ("-2E+3", "1000000000"),
            ("1.5", "decimal point"),
            ("1_000", "separators"),
            ("1,000,000", "separators"),
            ("-1 000", "separators"),
            ("\u{2212}5", "minus of the keyboard"),
        ] {
            let reason = Integer::parse(text).unwrap_err();
            assert!(reason.contains(hint), "{text:?}: {reason}");
        }
    }

    #[test]
    fn properties_are_read_from_the_text() {
        let integer = |text| Integer::parse(text).unwrap();
        assert!(integer("-3").is_negative() && integer("-3").is_odd());
        assert!(integer("0").is_zero() && !integer("10").is_odd());
        assert!(integer("-1").is_unit_or_zero() && !integer("11").is_unit_or_zero());
        assert_eq!(integer("18446744073709551615").saturating_u64(), u64::MAX);
        assert_eq!(integer("18446744073709551616").saturating_u64(), u64::MAX);
        assert_eq!(integer("-12").to_bigint(), BigInt::from(-12));
    }

    #[test]
    fn logarithms_are_right_to_a_double() {
        for digits in [1, 18, 19, 20, 40, 1_000] {
            let nines = Integer::parse(&"9".repeat(digits)).unwrap().log10();
            let expected = digits as f64 + (1.0 - 10_f64.powf(-(digits as f64))).log10();
            assert!((nines - expected).abs() < 1e-15 * expected, "{digits} nines");
        }
    }
}
