//! Powers by squaring, on limbs.

use std::convert::Infallible;

use crate::limbs::{BASE, from_word, multiply_by_word, to_word, trimmed};
use crate::product::{multiply, square};

/// Computes the power of a number without zeros on top. The power of zero is one.
pub(crate) fn power(base: &[u64], exponent: u64) -> Vec<u64> {
    let Ok(power) = try_power(base, exponent, || Ok::<(), Infallible>(()));
    power
}

/// Computes the power from the highest bit of the exponent down. Every product besides the
/// squarings is then a product with the base, which is short if the exponent is long. A word holds
/// the power of the leading bits as far as possible. `check` runs before each big product; its
/// error ends the computation.
pub(crate) fn try_power<E>(
    base: &[u64],
    exponent: u64,
    check: impl Fn() -> Result<(), E>,
) -> Result<Vec<u64>, E> {
    let word = to_word(base);
    let (mut power, bits_left) = first_power(base, word, exponent);
    for bit in (0..bits_left).rev() {
        check()?;
        power = trimmed(square(&power));
        if exponent >> bit & 1 == 1 {
            check()?;
            power = match word {
                Some(word) => times_word(power, word),
                None => trimmed(multiply(&power, base)),
            };
        }
    }
    Ok(power)
}

fn times_word(mut limbs: Vec<u64>, word: u64) -> Vec<u64> {
    multiply_by_word(&mut limbs, word);
    trimmed(limbs)
}

/// Computes the power by as many leading bits of the exponent as fit a word (one bit for a base longer
/// than a word). Returns the power and the number of bits left.
fn first_power(base: &[u64], word: Option<u64>, exponent: u64) -> (Vec<u64>, u32) {
    let bits = u64::BITS - exponent.leading_zeros();
    let Some(word) = word else {
        let first = if bits == 0 { from_word(1) } else { base.to_vec() };
        return (first, bits.saturating_sub(1));
    };
    let leading = |left: u32| {
        let exponent = u32::try_from(exponent.checked_shr(left).unwrap_or(0)).ok()?;
        word.checked_pow(exponent).filter(|power| *power < BASE).map(|power| (power, left))
    };
    let (power, left) = (0..=bits).find_map(leading).unwrap_or((1, bits));
    (from_word(power), left)
}
