//! Binary lengths of decimal numbers, exact, without converting the number.

use std::cmp::Ordering;

use crate::limbs::{BASE, DIGITS, compare, shifted};
use crate::power::power;

/// Bound on the relative error of the logarithm below. The leading digits, the constant and each of
/// the few operations have errors of at most 2⁻⁵³. The bound leaves a factor of ten.
const RELATIVE_ERROR: f64 = 1.0 / (1_u64 << 48) as f64;

/// Counts the bits of `limbs` followed by `zeros` decimal zeros. The logarithm decides, except next
/// to a power of two, where the number is compared with that power.
pub(crate) fn count(limbs: &[u64], zeros: usize) -> u64 {
    if let Some(number) = small(limbs, zeros) {
        return u64::from(u128::BITS - number.leading_zeros());
    }
    let log2 = logarithm(limbs, zeros);
    let error = log2 * RELATIVE_ERROR;
    let (low, high) = ((log2 - error) as u64, (log2 + error) as u64);
    if low == high {
        low + 1
    } else {
        low + 1 + u64::from(reaches_power_of_two(limbs, zeros, high))
    }
}

/// The number, if it is below 10³².
fn small(limbs: &[u64], zeros: usize) -> Option<u128> {
    match (limbs, zeros) {
        ([], _) => Some(0),
        ([one], 0) => Some(u128::from(*one)),
        ([low, high], 0) => Some(u128::from(*high) * u128::from(BASE) + u128::from(*low)),
        _ => None,
    }
}

fn logarithm(limbs: &[u64], zeros: usize) -> f64 {
    let leading = limbs.iter().rev().take(3);
    let below = (limbs.len() - leading.len()) * DIGITS + zeros;
    let head = leading.fold(0.0, |head, limb| head * BASE as f64 + *limb as f64);
    head.log2() + below as f64 * std::f64::consts::LOG2_10
}

fn reaches_power_of_two(limbs: &[u64], zeros: usize, exponent: u64) -> bool {
    compare(&shifted(limbs.to_vec(), zeros), &power(&[2], exponent)) != Ordering::Less
}
