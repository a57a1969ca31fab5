//! A [`BigUint`] as limbs, by halving, with the products of this crate.

use num_bigint::BigUint;

use crate::limbs::{add, multiply_by_word, trimmed};
use crate::power::power;
use crate::product::{multiply, square};

/// Numbers of at most this many words are converted word by word.
const DIRECT: usize = 32;

/// Converts a binary number to limbs.
pub(crate) fn from_binary(number: &BigUint) -> Vec<u64> {
    let words = number.to_u64_digits();
    let mut powers: Vec<Vec<u64>> = vec![];
    let mut length = DIRECT;
    while length < words.len() {
        let next = match powers.last() {
            None => power(&[1 << 32], 2 * DIRECT as u64),
            Some(last) => trimmed(square(last)),
        };
        powers.push(next);
        length *= 2;
    }
    join_words(&words, &powers)
}

/// Converts words, given the powers of 2⁶⁴ with exponents [`DIRECT`], 2 [`DIRECT`], 4 [`DIRECT`]
/// and so on. The last power cuts `words` in two.
fn join_words(words: &[u64], powers: &[Vec<u64>]) -> Vec<u64> {
    let Some((power, smaller)) = powers.split_last() else {
        return from_words(words);
    };
    match words.split_at_checked(DIRECT << smaller.len()) {
        Some((low, high)) => {
            let mut sum = trimmed(multiply(&join_words(high, smaller), power));
            add(&mut sum, &join_words(low, smaller), 0);
            sum
        }
        None => join_words(words, smaller),
    }
}

fn from_words(words: &[u64]) -> Vec<u64> {
    let mut number = vec![];
    for word in words.iter().rev() {
        for half in [word >> 32, word & 0xffff_ffff] {
            multiply_by_word(&mut number, 1 << 32);
            add(&mut number, &[half], 0);
        }
    }
    trimmed(number)
}
