//! Lucas numbers by doubling: two products for each bit of `n`.

use abacus_arithmetic::Natural;

use crate::{
    Computation, Cost, Domain, Integer, Interrupted, Number, OperandSpec, Operands, Operation,
    Refusal, Size, Work,
};

/// `lucas(n)`.
pub(crate) struct Lucas;

/// The largest index whose Lucas number fits 64 bits.
const LAST_SMALL: u64 = 92;
/// Decimal logarithm of the golden ratio.
const LOG10_GOLDEN_RATIO: f64 = 0.208_987_640_249_978_73;

impl Operation for Lucas {
    fn name(&self) -> &'static str {
        "lucas"
    }

    fn summary(&self) -> &'static str {
        "the Lucas number with index `n`; `lucas(0)` is 2 and `lucas(1)` is 1"
    }

    fn operands(&self) -> &'static [OperandSpec] {
        const N: OperandSpec = OperandSpec {
            name: "n",
            meaning: "the index of the Lucas number",
            domain: Domain::NonNegative,
            example: "1000",
        };
        &[N]
    }

    fn prepare(&self, operands: &Operands) -> Result<Box<dyn Computation>, Refusal> {
        Ok(Box::new(Index(operands.get("n")?.clone())))
    }
}

struct Index(Integer);

impl Computation for Index {
    /// The number is the power of the golden ratio, rounded. The second term of the exact formula is
    /// below 2⁻¹²⁸ of the first from index 93 on.
    fn size(&self) -> Size {
        let n = self.0.saturating_u64();
        if n <= LAST_SMALL {
            return Size::from_log10((small_pair(n).0 as f64).log10());
        }
        Size::from_log10(self.0.to_f64() * LOG10_GOLDEN_RATIO)
    }

    /// Two products for the last bit. Those of each earlier bit are half as long.
    fn cost(&self) -> Cost {
        Cost::of_product(self.size().bits()).times(2.75)
    }

    fn compute(&self, work: &Work<'_>) -> Result<Number, Interrupted> {
        let (number, _) = pair(self.0.saturating_u64(), work)?;
        Ok(number.into())
    }
}

/// Computes L(n) and L(n + 1), from L(k) and L(k + 1) with k half of n:
/// L(2k) = L(k)² - 2 (-1)ᵏ, L(2k+1) = L(k) L(k+1) - (-1)ᵏ and L(2k+2) = L(k+1)² + 2 (-1)ᵏ.
fn pair(n: u64, work: &Work<'_>) -> Result<(Natural, Natural), Interrupted> {
    if n < LAST_SMALL {
        let (number, next) = small_pair(n);
        return Ok((number.into(), next.into()));
    }
    let k = n / 2;
    let (number, next) = pair(k, work)?;
    work.check()?;
    let product = number.times(&next);
    work.check()?;
    let square = if n.is_multiple_of(2) { number.squared() } else { next.squared() };
    let (one, two) = (Natural::from(1), Natural::from(2));
    let is_even = k.is_multiple_of(2);
    let middle = if is_even { product.minus(&one) } else { product.plus(&one) };
    Ok(match (n.is_multiple_of(2), is_even) {
        (true, true) => (square.minus(&two), middle),
        (true, false) => (square.plus(&two), middle),
        (false, true) => (middle, square.plus(&two)),
        (false, false) => (middle, square.minus(&two)),
    })
}

/// Computes L(n) and L(n + 1) for an n below [`LAST_SMALL`]; L(n) also for [`LAST_SMALL`].
fn small_pair(n: u64) -> (u64, u64) {
    (0..n).fold((2, 1), |(number, next), _| (next, number.saturating_add(next)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lucas(n: u64) -> String {
        let (number, _) = pair(n, &Work::new(&|| false)).unwrap();
        number.to_decimal(0)
    }

    #[test]
    fn each_number_is_the_sum_of_the_two_before() {
        let (mut number, mut next) = (Natural::from(2), Natural::from(1));
        for n in 0..=1_000 {
            assert_eq!(lucas(n), number.to_decimal(0), "lucas({n})");
            let sum = number.plus(&next);
            number = std::mem::replace(&mut next, sum);
        }
    }

    #[test]
    fn sizes_are_exact() {
        for n in 0..=2_000 {
            let size = Index(Integer::parse(&n.to_string()).unwrap()).size();
            let digits = lucas(n).len() as u64;
            assert_eq!((size.fewest_digits(), size.most_digits()), (digits, digits), "{n}");
        }
    }
}
