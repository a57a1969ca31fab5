//! Powers by squaring. Zeros at the end of the base are set aside.

mod border;

use abacus_arithmetic::Natural;

use crate::{
    Computation, Cost, Domain, Integer, Interrupted, Number, OperandSpec, Operands, Operation,
    Refusal, Size, Work,
};

/// `pow(base, exponent)`.
pub(crate) struct Pow;

impl Operation for Pow {
    fn name(&self) -> &'static str {
        "pow"
    }

    fn summary(&self) -> &'static str {
        "`base` to the power of `exponent`; `pow(0,0)` is 1"
    }

    fn operands(&self) -> &'static [OperandSpec] {
        const BASE: OperandSpec = OperandSpec {
            name: "base",
            meaning: "the number to raise to a power",
            domain: Domain::Any,
            example: "2",
        };
        const EXPONENT: OperandSpec = OperandSpec {
            name: "exponent",
            meaning: "the power to raise it to",
            domain: Domain::NonNegative,
            example: "10",
        };
        &[BASE, EXPONENT]
    }

    fn prepare(&self, operands: &Operands) -> Result<Box<dyn Computation>, Refusal> {
        let (base, exponent) = (operands.get("base")?.clone(), operands.get("exponent")?.clone());
        Ok(Box::new(Power { base, exponent }))
    }
}

struct Power {
    base: Integer,
    exponent: Integer,
}

impl Computation for Power {
    fn size(&self) -> Size {
        if self.is_trivial() {
            return Size::UNIT;
        }
        let estimate = Size::from_log10(self.base.log10() * self.exponent.to_f64());
        self.settle(estimate)
    }

    fn cost(&self) -> Cost {
        if self.is_trivial() {
            return Cost::MINIMUM;
        }
        let bits = self.significant_log10() * std::f64::consts::LOG2_10;
        let result = Cost::of_product(bits * self.exponent.to_f64());
        result.times(self.products()).plus(Cost::of_text(bits))
    }

    fn compute(&self, work: &Work<'_>) -> Result<Number, Interrupted> {
        if self.exponent.is_zero() {
            return Ok(Natural::from(1).into());
        }
        let magnitude = self.magnitude(work)?;
        let is_negative = self.base.is_negative() && self.exponent.is_odd();
        Ok(if is_negative { magnitude.negated() } else { magnitude })
    }
}

impl Power {
    /// Computes the absolute value, with the zeros at the end of the base set aside. The exponent
    /// is not 0. The bits of a power of two are known, so they need no count.
    fn magnitude(&self, work: &Work<'_>) -> Result<Number, Interrupted> {
        if self.base.is_unit_or_zero() {
            return Ok(self.base.to_natural().into());
        }
        let exponent = self.exponent.saturating_u64();
        let base = Natural::from_digits(self.significant());
        let power = Number::from(base.try_power(exponent, || work.check())?);
        let zeros = self.zeros();
        let twos = base.to_word().filter(|twos| zeros == 0 && twos.is_power_of_two());
        Ok(match twos {
            Some(twos) => power.with_bits(u64::from(twos.ilog2()) * exponent + 1),
            None => {
                power.followed_by_zeros(zeros * usize::try_from(exponent).unwrap_or(usize::MAX))
            }
        })
    }

    /// The digits of the base without the zeros at the end.
    fn significant(&self) -> &str {
        self.base.digits().trim_end_matches('0')
    }

    fn zeros(&self) -> usize {
        self.base.digits().len() - self.significant().len()
    }

    fn significant_log10(&self) -> f64 {
        self.base.log10() - self.zeros() as f64
    }

    /// The work, in products of the result's size: squarings, and products with the base if it
    /// exceeds a word. Sizes halve from bit to bit of the exponent.
    fn products(&self) -> f64 {
        let by_base = if self.significant_log10() < 16.0 { 0.0 } else { 0.8 };
        let exponent = self.exponent.saturating_u64().max(1);
        let work = |bit: u32| {
            let factor = if exponent >> bit & 1 == 1 { by_base } else { 0.0 };
            (0.85 + factor) / (1_u64 << bit) as f64
        };
        (0..exponent.ilog2()).map(work).sum()
    }

    /// Returns whether the result is 0, 1 or -1.
    fn is_trivial(&self) -> bool {
        self.base.is_unit_or_zero() || self.exponent.is_zero()
    }

    /// Narrows an estimate with two possible digit counts. A base of k digits is below 10ᵏ and at
    /// least 10ᵏ⁻¹, an exact bound for bases next to powers of ten. If two counts remain possible,
    /// a computation with more precision decides.
    fn settle(&self, estimate: Size) -> Size {
        let (length, exponent) = (self.base.digits().len() as u64, self.exponent.saturating_u64());
        let fewest = (length - 1).saturating_mul(exponent).saturating_add(1);
        let size = estimate.within(fewest, length.saturating_mul(exponent));
        if size.most_digits().saturating_sub(size.fewest_digits()) != 1 {
            return size;
        }
        let (fewest, most) = border::digits(&self.base, exponent);
        size.within(fewest, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computation(base: &str, exponent: &str) -> Power {
        let integer = |text| Integer::parse(text).unwrap();
        Power { base: integer(base), exponent: integer(exponent) }
    }

    fn pow(base: &str, exponent: &str) -> String {
        let number = computation(base, exponent).compute(&Work::new(&|| false)).unwrap();
        number.into_answer().decimal
    }

    #[test]
    fn zero_and_units_are_trivial_however_large_the_exponent_is() {
        let even = "9".repeat(999) + "8";
        let odd = "9".repeat(1_000);
        for (base, exponent, result) in [
            ("0", "0", "1"),
            ("0", &odd, "0"),
            ("1", &odd, "1"),
            ("-1", &odd, "-1"),
            ("-1", &even, "1"),
            ("-1", "0", "1"),
            (&odd, "0", "1"),
        ] {
            assert_eq!(pow(base, exponent), result);
            assert_eq!(computation(base, exponent).size(), Size::UNIT);
            assert_eq!(computation(base, exponent).cost(), Cost::MINIMUM);
        }
    }

    #[test]
    fn signs_and_shifts_come_back() {
        assert_eq!(pow("-2", "10"), "1024");
        assert_eq!(pow("-2", "11"), "-2048");
        assert_eq!(pow("-12", "3"), "-1728");
        assert_eq!(pow("24", "5"), "7962624");
    }

    #[test]
    fn costs_follow_the_squarings_and_the_products_by_a_long_base() {
        let cost =
            |base: &str, exponent| computation(base, exponent).cost().word_operations() as f64;
        let long = "7".repeat(10_000);
        let square = cost(&long, "2");
        assert!(cost(&long, "4") > 2.5 * square);
        assert!(cost(&long, "7") > cost(&long, "8") * 1.2);
        assert!(cost(&long, "1") < square / 2.0);
        assert!(cost(&format!("3{}", "0".repeat(100)), "9000") < cost("33", "9000") * 2.0);
    }

    #[test]
    fn digit_counts_are_exact_next_to_powers_of_ten() {
        for (base, exponent, digits) in [
            ("10", "999999", 1_000_000),
            ("10", "1000000", 1_000_001),
            ("-1000", "333333", 1_000_000),
            ("9999999999999999999999", "1000", 22_000),
            ("10000000000000000000001", "1000", 22_001),
            (&"9".repeat(500_000), "2", 1_000_000),
            (&format!("1{}1", "0".repeat(499_998)), "2", 999_999),
        ] {
            let size = computation(base, exponent).size();
            assert_eq!((size.fewest_digits(), size.most_digits()), (digits, digits));
        }
    }
}
