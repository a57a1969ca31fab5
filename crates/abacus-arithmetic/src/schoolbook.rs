//! Products in quadratic time, column by column. The products of limbs that contribute to one limb
//! of the result are summed first; the sum is divided by the base once.

use crate::limbs::split;

/// Longest shorter factor. It keeps a column below the 2¹¹⁶ that [`split`] takes: products below
/// 10³², one carry, and for squares a factor of two.
pub(crate) const MAX_LIMBS: usize = 800;

/// Multiplies. The product has as many limbs as both factors together. The shorter factor has at
/// most [`MAX_LIMBS`] limbs.
pub(crate) fn multiply(one: &[u64], other: &[u64]) -> Vec<u64> {
    let (long, short) = if one.len() < other.len() { (other, one) } else { (one, other) };
    let reversed: Vec<u64> = short.iter().rev().copied().collect();
    let columns = (1..long.len() + short.len()).map(|end| {
        let rising = long.get(end.saturating_sub(short.len())..).unwrap_or_default();
        let falling = reversed.get(short.len().saturating_sub(end)..).unwrap_or_default();
        sum_of_products(rising, falling)
    });
    carry(columns, long.len() + short.len())
}

/// Squares a number of at most [`MAX_LIMBS`] limbs. The square has twice as many limbs. A product
/// of two different limbs counts twice and is computed once.
pub(crate) fn square(limbs: &[u64]) -> Vec<u64> {
    let reversed: Vec<u64> = limbs.iter().rev().copied().collect();
    let columns = (1..2 * limbs.len()).map(|end| {
        let half = end / 2;
        let rising = limbs.get(end.saturating_sub(limbs.len())..half).unwrap_or_default();
        let falling = reversed.get(limbs.len().saturating_sub(end)..).unwrap_or_default();
        let middle = if end % 2 == 1 { limbs.get(half).copied().unwrap_or(0) } else { 0 };
        2 * sum_of_products(rising, falling) + u128::from(middle) * u128::from(middle)
    });
    carry(columns, 2 * limbs.len())
}

/// Sums the products of pairs, up to the shorter length. Two sums let an addition start before the
/// previous one ends.
fn sum_of_products(rising: &[u64], falling: &[u64]) -> u128 {
    let length = rising.len().min(falling.len());
    let rising = rising.get(..length).unwrap_or_default();
    let falling = falling.get(..length).unwrap_or_default();
    let (xs, ys) = (rising.chunks_exact(2), falling.chunks_exact(2));
    let last: u128 = xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| product(*x, *y)).sum();
    let (mut even, mut odd) = (0, last);
    for (x, y) in xs.zip(ys) {
        let ([x0, x1], [y0, y1]) = (x, y) else { continue };
        even += product(*x0, *y0);
        odd += product(*x1, *y1);
    }
    even + odd
}

fn product(x: u64, y: u64) -> u128 {
    u128::from(x) * u128::from(y)
}

/// Turns column sums into limbs.
fn carry(columns: impl Iterator<Item = u128>, length: usize) -> Vec<u64> {
    let mut limbs = Vec::with_capacity(length);
    let mut carry = 0;
    for column in columns {
        let (quotient, remainder) = split(column + u128::from(carry));
        limbs.push(remainder);
        carry = quotient;
    }
    if limbs.len() < length {
        limbs.push(carry);
    }
    limbs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limbs::BASE;

    #[test]
    fn the_longest_columns_of_the_largest_limbs_fit() {
        let nines = vec![BASE - 1; MAX_LIMBS];
        let mut expected = vec![0; 2 * MAX_LIMBS];
        expected[0] = 1;
        expected[MAX_LIMBS] = BASE - 2;
        expected[MAX_LIMBS + 1..].fill(BASE - 1);
        assert_eq!(square(&nines), expected);
        assert_eq!(multiply(&nines, &nines), expected);
    }

    #[test]
    fn nothing_times_something_is_nothing() {
        assert!(multiply(&[], &[]).is_empty());
        assert_eq!(multiply(&[], &[7, 7]), [0, 0]);
        assert_eq!(multiply(&[3], &[5]), [15, 0]);
    }
}
