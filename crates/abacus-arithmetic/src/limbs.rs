//! Limbs of sixteen decimal digits, least significant first, and operations in one pass over them.

use std::cmp::Ordering;

/// One more than the largest limb.
pub(crate) const BASE: u64 = 10_000_000_000_000_000;
/// Decimal digits of a limb.
pub(crate) const DIGITS: usize = 16;

/// Removes zeros on top.
pub(crate) fn trim(limbs: &mut Vec<u64>) {
    let significant = limbs.iter().rposition(|limb| *limb != 0).map_or(0, |top| top + 1);
    limbs.truncate(significant);
}

/// The limbs without zeros on top.
pub(crate) fn trimmed(mut limbs: Vec<u64>) -> Vec<u64> {
    trim(&mut limbs);
    limbs
}

/// The limbs of a word.
pub(crate) fn from_word(word: u64) -> Vec<u64> {
    trimmed(vec![word % BASE, word / BASE])
}

/// The number as a word, if it is below [`BASE`].
pub(crate) fn to_word(limbs: &[u64]) -> Option<u64> {
    match limbs {
        [] => Some(0),
        [word] => Some(*word),
        _ => None,
    }
}

/// Compares two numbers without zeros on top.
pub(crate) fn compare(one: &[u64], other: &[u64]) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.iter().rev().cmp(other.iter().rev()))
}

/// Counts the zero limbs at the low end.
pub(crate) fn trailing_zeros(limbs: &[u64]) -> usize {
    limbs.iter().take_while(|limb| **limb == 0).count()
}

/// Adds `addend`, shifted up by `offset` limbs.
pub(crate) fn add(sum: &mut Vec<u64>, addend: &[u64], offset: usize) {
    if sum.len() < offset + addend.len() {
        sum.resize(offset + addend.len(), 0);
    }
    let mut carry = 0;
    let mut targets = sum.iter_mut().skip(offset);
    for (limb, target) in addend.iter().zip(targets.by_ref()) {
        (*target, carry) = overflow(*target + limb + carry);
    }
    for target in targets {
        if carry == 0 {
            return;
        }
        (*target, carry) = overflow(*target + carry);
    }
    if carry > 0 {
        sum.push(carry);
    }
}

/// Subtracts `subtrahend`. Returns whether it was the larger number; if so, the limbs are
/// meaningless.
#[must_use]
pub(crate) fn subtract(difference: &mut [u64], subtrahend: &[u64]) -> bool {
    let (within, beyond) =
        subtrahend.split_at_checked(difference.len()).unwrap_or((subtrahend, &[]));
    let mut borrow = 0;
    let mut targets = difference.iter_mut();
    for (limb, target) in within.iter().zip(targets.by_ref()) {
        (*target, borrow) = underflow(*target, limb + borrow);
    }
    for target in targets {
        if borrow == 0 {
            break;
        }
        (*target, borrow) = underflow(*target, borrow);
    }
    borrow > 0 || beyond.iter().any(|limb| *limb > 0)
}

/// Multiplies by a word below [`BASE`]. The high half of a product needs no carry besides the carry
/// of its sum with the next low half, so the multiplications do not wait for each other.
pub(crate) fn multiply_by_word(limbs: &mut Vec<u64>, word: u64) {
    let mut high = 0;
    for limb in limbs.iter_mut() {
        let (next, low) = split(u128::from(*limb) * u128::from(word));
        let (digit, carry) = overflow(low + high);
        (*limb, high) = (digit, next + carry);
    }
    if high > 0 {
        limbs.push(high);
    }
}

/// Appends decimal zeros.
pub(crate) fn shifted(mut limbs: Vec<u64>, zeros: usize) -> Vec<u64> {
    multiply_by_word(&mut limbs, 10_u64.pow((zeros % DIGITS) as u32));
    if !limbs.is_empty() {
        limbs.splice(0..0, std::iter::repeat_n(0, zeros / DIGITS));
    }
    limbs
}

/// Divides a number below 2¹¹⁶ by [`BASE`]. Returns the quotient and the remainder. The estimated
/// quotient is at most two too small: 0.46 for the bits shifted out, less than 1 for the rounded
/// inverse, and less than 1 for rounding down.
pub(crate) fn split(number: u128) -> (u64, u64) {
    const INVERSE: u128 = (1 << 116) / BASE as u128;
    let estimate = ((u128::from((number >> 52) as u64) * INVERSE) >> 64) as u64;
    let remainder = (number as u64).wrapping_sub(estimate.wrapping_mul(BASE));
    let (quotient, remainder) = correct(estimate, remainder);
    correct(quotient, remainder)
}

fn correct(quotient: u64, remainder: u64) -> (u64, u64) {
    if remainder >= BASE { (quotient + 1, remainder - BASE) } else { (quotient, remainder) }
}

/// Splits a sum below twice [`BASE`] into a limb and a carry.
fn overflow(sum: u64) -> (u64, u64) {
    if sum >= BASE { (sum - BASE, 1) } else { (sum, 0) }
}

/// Subtracts with a result above minus [`BASE`]. Returns the limb and the borrow.
fn underflow(limb: u64, subtrahend: u64) -> (u64, u64) {
    if limb >= subtrahend { (limb - subtrahend, 0) } else { (limb + BASE - subtrahend, 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting_agrees_with_division() {
        let base = u128::from(BASE);
        let near = [0, 1, base - 1, base, base + 1, 2 * base - 1, base * base - 1, base * base];
        let top = (1 << 116) - 1;
        let mut state = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834_u128;
        let random = (0..100_000).map(|shift| {
            state = state.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645) + 1;
            (state >> 12) >> (shift % 116)
        });
        let edges = (0..1000).map(|k| top / base * base - k * base * 0x1234_5678_9abc);
        for number in near.into_iter().chain([top]).chain(edges).chain(random) {
            let expected = ((number / base) as u64, (number % base) as u64);
            assert_eq!(split(number), expected, "{number}");
        }
    }

    #[test]
    fn carries_and_borrows_run_through() {
        let mut limbs = vec![BASE - 1; 3];
        add(&mut limbs, &[1], 0);
        assert_eq!(limbs, [0, 0, 0, 1]);
        assert!(!subtract(&mut limbs, &[1]));
        assert_eq!(limbs, [BASE - 1, BASE - 1, BASE - 1, 0]);
        add(&mut limbs, &[1], 5);
        assert_eq!(limbs, [BASE - 1, BASE - 1, BASE - 1, 0, 0, 1]);
    }

    #[test]
    fn a_larger_subtrahend_is_noticed() {
        assert!(subtract(&mut [0, 5], &[1, 5]));
        assert!(subtract(&mut [7], &[7, 1]));
        assert!(!subtract(&mut [7], &[7, 0]));
    }

    #[test]
    fn the_largest_word_times_the_largest_limbs_carries_right() {
        let mut limbs = vec![BASE - 1; 3];
        multiply_by_word(&mut limbs, BASE - 1);
        assert_eq!(limbs, [1, BASE - 1, BASE - 1, BASE - 2]);
    }
}
