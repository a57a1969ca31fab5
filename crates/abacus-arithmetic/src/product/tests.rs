use std::cell::Cell;

use super::*;
use crate::limbs::BASE;
use crate::plan::{MAX_LENGTH, lengths};

thread_local! {
    static CORRUPT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Changes one limb of the product, if the running test asks for it.
pub(super) fn corrupted(product: Option<Vec<u64>>) -> Option<Vec<u64>> {
    let Some(index) = CORRUPT.get() else { return product };
    let mut limbs = product?;
    let index = index % limbs.len();
    limbs[index] ^= 1;
    Some(limbs)
}

fn big(limbs: &[u64]) -> num_bigint::BigUint {
    binary::to_binary(limbs)
}

/// Generates limbs from a seed.
fn random(length: usize, seed: u64) -> Vec<u64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 8) % BASE
    };
    (0..length).map(step).collect()
}

/// Numbers of this length with the most carries and the worst rounding.
fn adversarial(length: usize) -> Vec<Vec<u64>> {
    let mut power = vec![0; length];
    power[length - 1] = 1;
    let mut above = power.clone();
    above[0] += 1;
    let mut sparse = vec![0; length];
    sparse.iter_mut().step_by(7).for_each(|limb| *limb = BASE - 1);
    sparse[length - 1] = BASE / 2;
    let mut alternating = vec![0; length];
    alternating.iter_mut().skip(1).step_by(2).for_each(|limb| *limb = BASE - 1);
    alternating[length - 1] = 7;
    let mut numbers = vec![power, above, sparse, alternating];
    // All nines; pieces of 4999, 5000 and 5001, the largest balanced pieces.
    for limb in [BASE - 1, 4_999_499_949_994_999, 5_000_500_050_005_000, 5_001_500_150_015_001] {
        numbers.push(vec![limb; length]);
    }
    numbers
}

fn assert_right(one: &[u64], other: &[u64]) {
    let product = multiply(one, other);
    assert_eq!(product.len(), one.len() + other.len());
    let is_equal = big(&product) == big(one) * big(other);
    assert!(is_equal, "{} by {} limbs", one.len(), other.len());
}

fn assert_square_right(limbs: &[u64]) {
    assert!(big(&square(limbs)) == big(limbs).pow(2), "{} limbs", limbs.len());
}

#[test]
fn products_are_right_for_all_sizes_around_the_schoolbooks_threshold() {
    for length in TRANSFORM_LIMBS - 3..=TRANSFORM_LIMBS + 3 {
        for other in [1, 2, length - 1, length, length + 1, 2 * length, 3 * length + 5] {
            assert_right(&random(length, 1), &random(other, 2));
        }
    }
}

#[test]
fn squares_are_right_for_all_sizes_up_to_some_lengths_of_transforms() {
    for length in (1..40).chain(TRANSFORM_SQUARE_LIMBS - 3..TRANSFORM_SQUARE_LIMBS + 200) {
        assert_square_right(&random(length, length as u64));
    }
}

#[test]
fn products_by_blocks_are_right_on_both_sides_of_every_block() {
    for short in [TRANSFORM_LIMBS, TRANSFORM_LIMBS + 1, 150] {
        for blocks in [UNBALANCED - 1, UNBALANCED, 2 * BLOCK + UNBALANCED] {
            for length in blocks * short - 1..=blocks * short + 1 {
                assert_right(&random(short, 3), &random(length, 4));
            }
        }
    }
}

/// Checks a square made by a transform alone, so no recomputed product can hide an error.
fn assert_transform_right(limbs: &[u64]) {
    let product = transform::square(plan_for(2 * limbs.len()).unwrap(), limbs).unwrap();
    let remainder = check::remainder(limbs);
    assert!(check::is_product(remainder, remainder, &product), "{} limbs", limbs.len());
}

#[test]
fn each_length_of_a_transform_is_used_to_its_last_limb() {
    for length in lengths().filter(|length| (300..20_000).contains(length)) {
        let most = (length - 1) / 4;
        for limbs in [most, most + 1] {
            assert_transform_right(&vec![BASE - 1; limbs]);
            assert_transform_right(&vec![5_000_500_050_005_000; limbs]);
        }
    }
}

#[test]
fn adversarial_numbers_are_multiplied_right() {
    for length in [20, TRANSFORM_LIMBS, TRANSFORM_SQUARE_LIMBS, 311, 1_500] {
        for one in adversarial(length) {
            assert_square_right(&one);
            for other in adversarial(length - 1) {
                assert_right(&one, &other);
            }
        }
    }
}

#[test]
fn the_longest_transforms_are_right_for_the_worst_numbers() {
    for limb in [BASE - 1, 5_000_500_050_005_000, 4_999_499_949_994_999] {
        assert_transform_right(&vec![limb; (MAX_LENGTH - 1) / 4]);
    }
}

#[test]
fn factors_beyond_one_transform_are_split() {
    let most = (MAX_LENGTH - 1) / 4;
    for (long, short) in [(most + 1, most + 1), (2 * most, most - 5), (2 * most + 3, most / 2)] {
        let (long, short) = (random(long, 5), random(short, 6));
        let remainders = (check::remainder(&long), check::remainder(&short));
        let product = multiply(&long, &short);
        assert_eq!(product.len(), long.len() + short.len());
        assert!(check::is_product(remainders.0, remainders.1, &product));
    }
    let nines = vec![BASE - 1; most + 1];
    let remainder = check::remainder(&nines);
    assert!(check::is_product(remainder, remainder, &square(&nines)));
}

#[test]
fn a_corrupted_product_is_noticed_counted_and_computed_again() {
    let (one, other) = (random(200, 7), random(150, 8));
    for index in [0, 1, 77, 349] {
        let before = recomputed_products();
        CORRUPT.set(Some(index));
        assert_right(&one, &other);
        assert_square_right(&one);
        CORRUPT.set(None);
        assert!(recomputed_products() >= before + 2, "limb {index} was not checked");
    }
}

#[test]
fn zeros_at_the_low_end_are_kept() {
    let mut one = random(150, 9);
    one.splice(0..0, [0; 70]);
    assert_right(&one, &random(120, 10));
    assert_square_right(&one);
    assert_right(&[0, 0, 3], &[0]);
}
