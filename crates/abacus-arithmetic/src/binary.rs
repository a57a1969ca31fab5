//! Limbs as a [`BigUint`], by halving: the cost of a few products instead of quadratic time.

use num_bigint::BigUint;

use crate::limbs::BASE;
use crate::text;

/// Numbers of at most this many limbs are converted limb by limb.
const DIRECT: usize = 32;

/// Converts limbs to binary.
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

/// Converts limbs, given the powers of [`BASE`] with [`DIRECT`], 2 [`DIRECT`], 4 [`DIRECT`] and so
/// on zero limbs. The last power cuts `limbs` in two.
fn join_limbs(limbs: &[u64], powers: &[BigUint]) -> BigUint {
    let Some((power, smaller)) = powers.split_last() else {
        return limbs.iter().rev().fold(BigUint::ZERO, |number, limb| number * BASE + limb);
    };
    match limbs.split_at_checked(DIRECT << smaller.len()) {
        Some((low, high)) => join_limbs(high, smaller) * power + join_limbs(low, smaller),
        None => join_limbs(limbs, smaller),
    }
}

/// Converts a binary number to limbs without any product of this crate.
pub(crate) fn from_text(number: &BigUint) -> Vec<u64> {
    text::read(&number.to_string())
}
