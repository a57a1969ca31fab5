//! To and from `num-bigint`, by halving: the work of some products instead of quadratic time.

use num_bigint::BigUint;

use crate::Natural;
use crate::limbs::{self, BASE};
use crate::text;

/// Up to this many limbs, or words, a number is converted one by one.
const DIRECT: usize = 32;

pub(crate) fn to_binary(limbs: &[u64]) -> BigUint {
    let mut powers = vec![];
    let mut length = DIRECT;
    while length < limbs.len() {
        let power = match powers.last() {
            None => BigUint::from(BASE).pow(DIRECT as u32),
            Some(power) => power * power,
        };
        powers.push(power);
        length *= 2;
    }
    join_limbs(limbs, &powers)
}

/// `powers` of [`BASE`] are the one with [`DIRECT`] zero limbs, its square, and so on; the last one
/// cuts `limbs` in two.
fn join_limbs(limbs: &[u64], powers: &[BigUint]) -> BigUint {
    let Some((power, smaller)) = powers.split_last() else {
        return limbs.iter().rev().fold(BigUint::ZERO, |number, limb| number * BASE + limb);
    };
    match limbs.split_at_checked(DIRECT << smaller.len()) {
        Some((low, high)) => join_limbs(high, smaller) * power + join_limbs(low, smaller),
        None => join_limbs(limbs, smaller),
    }
}

pub(crate) fn from_binary(number: &BigUint) -> Natural {
    let words = number.to_u64_digits();
    let mut powers = vec![];
    let mut length = DIRECT;
    while length < words.len() {
        let power = match powers.last() {
            None => Natural::from(1 << 32).power(2 * DIRECT as u64),
            Some(power) => Natural::squared(power),
        };
        powers.push(power);
        length *= 2;
    }
    join_words(&words, &powers)
}

/// As [`join_limbs`], with powers of 2⁶⁴.
fn join_words(words: &[u64], powers: &[Natural]) -> Natural {
    let Some((power, smaller)) = powers.split_last() else {
        return from_words(words);
    };
    match words.split_at_checked(DIRECT << smaller.len()) {
        Some((low, high)) => join_words(high, smaller).times(power).plus(&join_words(low, smaller)),
        None => join_words(words, smaller),
    }
}

/// Without any product of this crate.
pub(crate) fn from_text(number: &BigUint) -> Vec<u64> {
    text::read(&number.to_string())
}

fn from_words(words: &[u64]) -> Natural {
    let mut number = vec![];
    for word in words.iter().rev() {
        for half in [word >> 32, word & 0xffff_ffff] {
            limbs::multiply_by_word(&mut number, 1 << 32);
            limbs::add(&mut number, &[half], 0);
        }
    }
    Natural::from_limbs(number)
}
