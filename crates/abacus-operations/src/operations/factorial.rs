//! Factorials by prime swing: squarings replace most products.

use abacus_arithmetic::Natural;

use crate::{
    Computation, Cost, Domain, Integer, Interrupted, Number, OperandSpec, Operands, Operation,
    Refusal, Size, Work,
};

/// `factorial(n)`.
pub(crate) struct Factorial;

/// Largest number of words multiplied word by word. Longer products are faster by halves.
const WORDS_IN_A_ROW: usize = 16;
/// Upper bound of words that multiply in linear time.
const WORD_LIMIT: u64 = 10_000_000_000_000_000;
/// Largest `n` computed as a plain product. For a larger `n`, the search for primes pays off.
const LAST_DIRECT: u64 = 200;

impl Operation for Factorial {
    fn name(&self) -> &'static str {
        "factorial"
    }

    fn summary(&self) -> &'static str {
        "the product of the integers from 1 to `n`; `factorial(0)` is 1"
    }

    fn operands(&self) -> &'static [OperandSpec] {
        const N: OperandSpec = OperandSpec {
            name: "n",
            meaning: "the largest factor of the product",
            domain: Domain::NonNegative,
            example: "100",
        };
        &[N]
    }

    fn prepare(&self, operands: &Operands) -> Result<Box<dyn Computation>, Refusal> {
        Ok(Box::new(Product(operands.get("n")?.clone())))
    }
}

struct Product(Integer);

impl Computation for Product {
    fn size(&self) -> Size {
        Size::from_log10(log10_factorial(self.0.to_f64()))
    }

    /// The last squaring, the product with the last swing, the earlier ones of both, and the
    /// swings.
    fn cost(&self) -> Cost {
        Cost::of_product(self.size().bits()).times(4.0)
    }

    fn compute(&self, work: &Work<'_>) -> Result<Number, Interrupted> {
        Ok(factorial(self.0.saturating_u64(), work)?.into())
    }
}

/// Computes the logarithm as a product up to 30, and by Stirling's series from there. The first
/// omitted term of the series is 1/(1680 n⁷).
fn log10_factorial(n: f64) -> f64 {
    if n <= 30.0 {
        let factors = (2..=30_u8).map(f64::from).take_while(|factor| *factor <= n);
        return factors.product::<f64>().log10();
    }
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1260.0 * n.powi(5));
    let half_log_of_turn = std::f64::consts::TAU.ln() / 2.0;
    let natural = n * (n.ln() - 1.0) + n.ln() / 2.0 + half_log_of_turn + series;
    natural * std::f64::consts::LOG10_E
}

/// Computes n! as the square of (n/2)! times the swinging factorial of n, which is about four to
/// the power of n. From Peter Luschny, "Divide, swing and conquer the factorial and the
/// lcm{1,2,...,n}" (2008).
fn factorial(n: u64, work: &Work<'_>) -> Result<Natural, Interrupted> {
    if n <= LAST_DIRECT {
        return product(1..=n, work);
    }
    let primes: Vec<u64> = std::iter::once(2).chain(odd_primes(n)).collect();
    let halves = std::iter::successors(Some(n), |n| Some(n / 2)).take_while(|n| *n > LAST_DIRECT);
    let halves: Vec<u64> = halves.collect();
    let smallest = halves.last().map_or(n, |n| n / 2);
    let mut factorial = product(1..=smallest, work)?;
    for n in halves.into_iter().rev() {
        let swing = swing(n, &primes, work)?;
        work.check()?;
        let square = factorial.squared();
        work.check()?;
        factorial = square.times(&swing);
    }
    Ok(factorial)
}

/// Computes the swinging factorial: n! divided by the square of (n/2)!. The exponent of a prime p
/// is the number of odd numbers among n/p, n/p², and so on (rounded down). This power of p is at
/// most n.
fn swing(n: u64, primes: &[u64], work: &Work<'_>) -> Result<Natural, Interrupted> {
    let power = |prime: &u64| {
        let quotients = std::iter::successors(Some(n / prime), |quotient| Some(quotient / prime));
        let odd =
            quotients.take_while(|quotient| *quotient > 0).filter(|quotient| quotient % 2 == 1);
        odd.fold(1, |power, _| power * prime)
    };
    product(primes.iter().take_while(|prime| **prime <= n).map(power), work)
}

/// Lists the odd primes up to `n`, by the sieve of Eratosthenes on odd numbers. Index `i` stands
/// for `2 i + 1`.
fn odd_primes(n: u64) -> impl Iterator<Item = u64> {
    let numbers = usize::try_from(n.div_ceil(2)).unwrap_or(usize::MAX);
    let mut is_composite = vec![false; numbers];
    for index in 1..numbers {
        let number = 2 * index + 1;
        let first_multiple = number * number / 2;
        if first_multiple >= numbers {
            break;
        }
        if !is_composite.get(index).copied().unwrap_or(true) {
            let multiples = is_composite.iter_mut().skip(first_multiple).step_by(number);
            multiples.for_each(|mark| *mark = true);
        }
    }
    let odd_numbers = (1..=n).step_by(2);
    odd_numbers.zip(is_composite).skip(1).filter(|(_, composite)| !composite).map(|(odd, _)| odd)
}

/// Multiplies numbers that fit a word. Packs them into words first, then multiplies by halves.
fn product(factors: impl Iterator<Item = u64>, work: &Work<'_>) -> Result<Natural, Interrupted> {
    let mut words = vec![];
    let mut packed = 1_u64;
    for factor in factors {
        packed =
            packed.checked_mul(factor).filter(|word| *word < WORD_LIMIT).unwrap_or_else(|| {
                words.push(packed);
                factor
            });
    }
    words.push(packed);
    product_by_halves(&words, work)
}

fn product_by_halves(words: &[u64], work: &Work<'_>) -> Result<Natural, Interrupted> {
    if words.len() <= WORDS_IN_A_ROW {
        let product =
            words.iter().fold(Natural::from(1), |product, word| product.times_word(*word));
        return Ok(product);
    }
    let (low, high) = words.split_at(words.len() / 2);
    let (low, high) = (product_by_halves(low, work)?, product_by_halves(high, work)?);
    work.check()?;
    Ok(low.times(&high))
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::*;

    #[test]
    fn the_sieve_finds_the_odd_primes() {
        let primes = |n| odd_primes(n).collect::<Vec<_>>();
        for n in [0, 1, 2] {
            assert!(primes(n).is_empty());
        }
        assert_eq!(primes(3), [3]);
        assert_eq!(primes(31), [3, 5, 7, 11, 13, 17, 19, 23, 29, 31]);
        assert_eq!(primes(49).last(), Some(&47));
        assert_eq!(primes(1_000_000).len(), 78_497);
    }

    #[test]
    fn each_factorial_is_the_one_before_times_n() {
        let mut expected = BigUint::ONE;
        for n in 0..=600_u64 {
            expected *= n.max(1);
            let factorial = factorial(n, &Work::new(&|| false)).unwrap();
            assert_eq!(BigUint::from(&factorial), expected, "factorial({n})");
        }
    }

    #[test]
    fn the_logarithm_is_as_precise_as_sizes_need() {
        let mut exact = 0.0_f64;
        for n in 2..=200_u32 {
            exact += f64::from(n).log10();
            let error = (log10_factorial(f64::from(n)) - exact).abs();
            assert!(error < 1e-12 + exact * 1e-14, "factorial({n}) is off by {error}");
        }
    }
}
