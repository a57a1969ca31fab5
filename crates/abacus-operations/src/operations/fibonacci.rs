//! Fibonacci numbers by doubling: two squarings for each bit of `n`, one product for the last bit.

use abacus_arithmetic::Natural;

use crate::{
    Computation, Cost, Domain, Integer, Interrupted, Number, OperandSpec, Operands, Operation,
    Refusal, Size, Work,
};

/// `fibonacci(n)`.
pub(crate) struct Fibonacci;

/// The largest index whose Fibonacci number fits 64 bits.
const LAST_SMALL: u64 = 93;
/// Decimal logarithms of the golden ratio and of the square root of 5.
const LOG10_GOLDEN_RATIO: f64 = 0.208_987_640_249_978_73;
const LOG10_SQRT_5: f64 = 0.349_485_002_168_009_4;

impl Operation for Fibonacci {
    fn name(&self) -> &'static str {
        "fibonacci"
    }

    fn summary(&self) -> &'static str {
        "the Fibonacci number with index `n`; `fibonacci(0)` is 0 and `fibonacci(1)` is 1"
    }

    fn operands(&self) -> &'static [OperandSpec] {
        const N: OperandSpec = OperandSpec {
            name: "n",
            meaning: "the index of the Fibonacci number",
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
    /// Binet's formula without its second term, which is below 2⁻¹²⁸ of the first from index 94 on.
    fn size(&self) -> Size {
        let n = self.0.saturating_u64();
        if n <= LAST_SMALL {
            return Size::from_log10((small_pair(n).0 as f64).log10());
        }
        Size::from_log10(self.0.to_f64() * LOG10_GOLDEN_RATIO - LOG10_SQRT_5)
    }

    /// One product for the last step. The squarings before it halve in size from step to step.
    fn cost(&self) -> Cost {
        Cost::of_product(self.size().bits()).times(2.75)
    }

    fn compute(&self, work: &Work<'_>) -> Result<Number, Interrupted> {
        Ok(fibonacci(self.0.saturating_u64(), work)?.into())
    }
}

fn fibonacci(n: u64, work: &Work<'_>) -> Result<Natural, Interrupted> {
    if n <= LAST_SMALL {
        return Ok(small_pair(n).0.into());
    }
    let (number, previous) = pair(n / 2, work)?;
    work.check()?;
    if n.is_multiple_of(2) {
        return Ok(number.times(&previous.times_word(2).plus(&number)));
    }
    let twice = number.times_word(2);
    let product = twice.clone().plus(&previous).times(&twice.minus(&previous));
    let two = Natural::from(2);
    Ok(if (n / 2).is_multiple_of(2) { product.plus(&two) } else { product.minus(&two) })
}

/// Computes F(n) and F(n - 1), by two squarings from half of n.
///
/// F(2k+1) = 4 F(k)² - F(k-1)² + 2 (-1)ᵏ and F(2k-1) = F(k)² + F(k-1)². F(2k) is their difference.
/// From the documentation of GMP, "Fibonacci Numbers Algorithm".
fn pair(n: u64, work: &Work<'_>) -> Result<(Natural, Natural), Interrupted> {
    if n <= LAST_SMALL {
        let (number, previous) = small_pair(n);
        return Ok((number.into(), previous.into()));
    }
    let (number, previous) = pair(n / 2, work)?;
    work.check()?;
    let square = number.squared();
    work.check()?;
    let previous_square = previous.squared();
    let below = previous_square.clone().plus(&square);
    let two = Natural::from(2);
    let four_squares = square.times_word(4);
    let above = if (n / 2).is_multiple_of(2) {
        four_squares.minus(&previous_square).plus(&two)
    } else {
        four_squares.minus(&previous_square).minus(&two)
    };
    Ok(if n.is_multiple_of(2) {
        (above.minus(&below), below)
    } else {
        let middle = above.clone().minus(&below);
        (above, middle)
    })
}

/// Computes F(n) and F(n - 1) for an n of at most [`LAST_SMALL`].
fn small_pair(n: u64) -> (u64, u64) {
    (0..n).fold((0, 1), |(number, previous), _| (number + previous, number))
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::*;

    fn fibonacci(n: u64) -> BigUint {
        (&super::fibonacci(n, &Work::new(&|| false)).unwrap()).into()
    }

    #[test]
    fn each_number_is_the_sum_of_the_two_before_it() {
        let (mut number, mut next) = (BigUint::ZERO, BigUint::ONE);
        for n in 0..=1_000 {
            assert_eq!(fibonacci(n), number, "fibonacci({n})");
            let sum = &number + &next;
            number = std::mem::replace(&mut next, sum);
        }
    }

    #[test]
    fn sizes_are_exact_where_doubles_take_over() {
        for n in 0..=2_000 {
            let size = Index(Integer::parse(&n.to_string()).unwrap()).size();
            let digits = fibonacci(n).to_string().len() as u64;
            assert_eq!((size.fewest_digits(), size.most_digits()), (digits, digits), "{n}");
        }
    }
}
