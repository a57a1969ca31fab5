//! Checks of products by remainders modulo the prime 2⁶¹ - 1. A single wrong coefficient always
//! fails the check, since the prime divides no power of ten and no smaller error. Any other error
//! passes in one case of 2⁶¹.

use crate::limbs::BASE;

const PRIME: u64 = (1 << 61) - 1;

/// Powers of the base of limbs: 1, 10¹⁶ and so on. The fourth power, a constant apart, leads to the
/// next four limbs.
const POWERS: [u64; 4] = [1, power(1), power(2), power(3)];
const FOURTH_POWER: u64 = power(4);

const fn power(exponent: u32) -> u64 {
    let mut product = 1;
    let mut step = 0;
    while step < exponent {
        product = product * (BASE as u128) % PRIME as u128;
        step += 1;
    }
    product as u64
}

/// Computes the remainder of a number, by Horner's rule on four limbs at a time.
pub(crate) fn remainder(limbs: &[u64]) -> u64 {
    let step = |sum: u64, limbs: &[u64]| {
        let products = limbs.iter().zip(POWERS).map(|(x, power)| wide(*x, power));
        reduce(products.fold(wide(sum, FOURTH_POWER), |sum, product| sum + product))
    };
    let fours = limbs.chunks_exact(4);
    let top = step(0, fours.remainder());
    fours.rev().fold(top, step) % PRIME
}

/// Returns whether `product` can be the product of two numbers with these remainders.
pub(crate) fn is_product(one: u64, other: u64, product: &[u64]) -> bool {
    reduce(wide(one, other)) % PRIME == remainder(product)
}

fn wide(one: u64, other: u64) -> u128 {
    u128::from(one) * u128::from(other)
}

/// Reduces a number below 2¹²⁴ to an equal one modulo the prime, below 2⁶².
fn reduce(number: u128) -> u64 {
    let sum = (number as u64 & PRIME) + (number >> 61) as u64;
    (sum & PRIME) + (sum >> 61)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;

    #[test]
    fn remainders_are_those_of_the_whole_number() {
        for length in 0..20 {
            let limbs: Vec<u64> = (0..length).map(|i| BASE - 1 - i * 0x1234_5678_9abc).collect();
            let number = limbs.iter().rev().fold(BigUint::ZERO, |sum, limb| sum * BASE + limb);
            assert_eq!(BigUint::from(remainder(&limbs)), number % PRIME, "{length} limbs");
        }
    }

    #[test]
    fn a_product_passes_and_any_wrong_coefficient_fails() {
        let one: Vec<u64> = (1..40).map(|i| BASE / (i + 1)).collect();
        let other: Vec<u64> = (1..50).map(|i| BASE - 7 * i).collect();
        let product = crate::schoolbook::multiply(&one, &other);
        let (one, other) = (remainder(&one), remainder(&other));
        assert!(is_product(one, other, &product));
        for index in 0..product.len() {
            for error in [1, 10_000, 100_000_000, 1_000_000_000_000] {
                let mut wrong = product.clone();
                wrong[index] = wrong[index].checked_sub(error).unwrap_or(wrong[index] + error);
                assert!(!is_product(one, other, &wrong), "{error} at {index}");
            }
        }
        let mut swapped = product;
        swapped.swap(3, 4);
        assert!(!is_product(one, other, &swapped));
    }
}
