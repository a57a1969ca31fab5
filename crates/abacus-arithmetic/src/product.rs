//! The choice of the algorithm for a product, and the check of the product.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limbs::{add, subtract, trailing_zeros, trim};
use crate::plan::Plan;
use crate::transform::PIECES;
use crate::{binary, check, schoolbook, transform};

/// Least length, in limbs, of the shorter factor for a transform, and least length of a number
/// squared by a transform. Below these, the schoolbook's method is faster (measured with AVX: 4.4
/// to 5.2 µs at 80 limbs, 6.1 to 5.5 at 96; squares 3.8 to 4.0 at 96, 4.8 to 4.5 at 112).
const TRANSFORM_LIMBS: usize = 90;
const TRANSFORM_SQUARE_LIMBS: usize = 104;
/// Least ratio of the lengths at which the longer factor is cut into blocks, and the length of a
/// block as a multiple of the shorter factor. Measured at ratios of 6 to 40: a tenth slower to a
/// fifth faster than a single transform.
const UNBALANCED: usize = 12;
const BLOCK: usize = 3;

const _: () = assert!(TRANSFORM_LIMBS <= schoolbook::MAX_LIMBS);
const _: () = assert!(TRANSFORM_SQUARE_LIMBS <= schoolbook::MAX_LIMBS);

static RECOMPUTED: AtomicU64 = AtomicU64::new(0);

/// Number of products of this process that failed their check and were computed again by
/// `num-bigint`. A number above zero means a defect of this crate or of the machine. The results
/// are still right.
pub fn recomputed_products() -> u64 {
    RECOMPUTED.load(Ordering::Relaxed)
}

/// Multiplies. The product has as many limbs as both factors together.
pub(crate) fn multiply(one: &[u64], other: &[u64]) -> Vec<u64> {
    let (one_zeros, one) = split_zeros(one);
    let (other_zeros, other) = split_zeros(other);
    let (long, short) = if one.len() < other.len() { (other, one) } else { (one, other) };
    shift(multiply_significant(long, short), one_zeros + other_zeros)
}

/// Squares. The square has twice as many limbs.
pub(crate) fn square(limbs: &[u64]) -> Vec<u64> {
    let (zeros, limbs) = split_zeros(limbs);
    shift(square_significant(limbs), 2 * zeros)
}

/// Returns the number of zero limbs at the low end, and the remaining limbs.
fn split_zeros(limbs: &[u64]) -> (usize, &[u64]) {
    let zeros = trailing_zeros(limbs);
    (zeros, limbs.get(zeros..).unwrap_or_default())
}

fn shift(mut limbs: Vec<u64>, zeros: usize) -> Vec<u64> {
    limbs.splice(0..0, std::iter::repeat_n(0, zeros));
    limbs
}

fn multiply_significant(long: &[u64], short: &[u64]) -> Vec<u64> {
    if short.len() < TRANSFORM_LIMBS {
        return schoolbook::multiply(long, short);
    }
    if long.len() >= UNBALANCED * short.len() {
        return multiply_by_blocks(long, short);
    }
    match plan_for(long.len() + short.len()) {
        Some(plan) => verified(long, short, transform::multiply(plan, long, short)),
        None => multiply_by_halves(long, short),
    }
}

fn square_significant(limbs: &[u64]) -> Vec<u64> {
    if limbs.len() < TRANSFORM_SQUARE_LIMBS {
        return schoolbook::square(limbs);
    }
    match plan_for(2 * limbs.len()) {
        Some(plan) => verified(limbs, limbs, transform::square(plan, limbs)),
        None => square_by_halves(limbs),
    }
}

/// Returns a plan for products of this many limbs. A factor, and likewise a product, may have one
/// balanced piece more than its limbs hold.
fn plan_for(limbs: usize) -> Option<&'static Plan> {
    Plan::at_least((PIECES * limbs + 1).div_ceil(2))
}

/// Returns the product of the transform if it passes the check. Computes it again otherwise.
fn verified(one: &[u64], other: &[u64], product: Option<Vec<u64>>) -> Vec<u64> {
    #[cfg(test)]
    let product = tests::corrupted(product);
    let remainders = (check::remainder(one), check::remainder(other));
    let is_right = |product: &Vec<u64>| check::is_product(remainders.0, remainders.1, product);
    product.filter(is_right).unwrap_or_else(|| recompute(one, other))
}

#[cold]
fn recompute(one: &[u64], other: &[u64]) -> Vec<u64> {
    RECOMPUTED.fetch_add(1, Ordering::Relaxed);
    let product = binary::to_binary(one) * binary::to_binary(other);
    let mut limbs = binary::from_text(&product);
    limbs.resize(one.len() + other.len(), 0);
    limbs
}

/// Multiplies block by block. The transform of the shorter factor is made once for all blocks,
/// unless the blocks are too long for a transform.
fn multiply_by_blocks(long: &[u64], short: &[u64]) -> Vec<u64> {
    let blocks = || long.chunks(BLOCK * short.len());
    let products = match plan_for((BLOCK + 1) * short.len()) {
        Some(plan) => {
            let products = transform::multiply_all(plan, short, blocks());
            let products = blocks().zip(products);
            products.map(|(block, product)| verified(block, short, product)).collect()
        }
        None => blocks().map(|block| multiply(block, short)).collect::<Vec<_>>(),
    };
    let mut sum = Vec::with_capacity(long.len() + short.len());
    for (index, product) in products.iter().enumerate() {
        add(&mut sum, product, index * BLOCK * short.len());
    }
    sum
}

/// Multiplies by Karatsuba's method: three products of halves, or two if the shorter factor is no
/// longer than a half. Used for factors too long for one transform.
fn multiply_by_halves(long: &[u64], short: &[u64]) -> Vec<u64> {
    let half = long.len().div_ceil(2);
    let (long_low, long_high) = long.split_at_checked(half).unwrap_or((long, &[]));
    let Some((short_low, short_high)) = short.split_at_checked(half) else {
        let mut product = multiply(long_low, short);
        add(&mut product, &multiply(long_high, short), half);
        return product;
    };
    let (low, high) = (multiply(long_low, short_low), multiply(long_high, short_high));
    let middle = multiply(&sum(long_low, long_high), &sum(short_low, short_high));
    join(low, middle, &high, half)
}

/// Squares by Karatsuba's method: three squares of halves.
fn square_by_halves(limbs: &[u64]) -> Vec<u64> {
    let half = limbs.len().div_ceil(2);
    let (low, high) = limbs.split_at_checked(half).unwrap_or((limbs, &[]));
    let middle = square(&sum(low, high));
    join(square(low), middle, &square(high), half)
}

fn sum(one: &[u64], other: &[u64]) -> Vec<u64> {
    let mut sum = one.to_vec();
    add(&mut sum, other, 0);
    sum
}

/// `low` + (`middle` - `low` - `high`) shifted once + `high` shifted twice.
fn join(mut low: Vec<u64>, mut middle: Vec<u64>, high: &[u64], half: usize) -> Vec<u64> {
    // The middle product is at least the sum of the two subtrahends.
    let _ = subtract(&mut middle, &low) || subtract(&mut middle, high);
    trim(&mut middle);
    low.resize(2 * half, 0);
    add(&mut low, high, 2 * half);
    add(&mut low, &middle, half);
    low
}

#[cfg(test)]
mod tests;
