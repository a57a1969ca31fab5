//! Powers by squaring.

use crate::Natural;
use crate::limbs::BASE;

/// From the exponent's highest bit down, so that every product but the squarings is by the base
/// itself, which is short where the exponent is long. As many bits as fit are left to words.
pub(crate) fn power<E>(
    base: &Natural,
    exponent: u64,
    check: impl Fn() -> Result<(), E>,
) -> Result<Natural, E> {
    let word = base.to_word();
    let (mut power, bits_left) = first_power(base, word, exponent);
    for bit in (0..bits_left).rev() {
        check()?;
        power = power.squared();
        if exponent >> bit & 1 == 1 {
            check()?;
            power = match word {
                Some(word) => power.times_word(word),
                None => power.times(base),
            };
        }
    }
    Ok(power)
}

/// The power by as many of the exponent's leading bits as a word holds (of a longer base: one bit),
/// and how many bits are left.
fn first_power(base: &Natural, word: Option<u64>, exponent: u64) -> (Natural, u32) {
    let bits = u64::BITS - exponent.leading_zeros();
    let Some(word) = word else {
        let first = if bits == 0 { Natural::from(1) } else { base.clone() };
        return (first, bits.saturating_sub(1));
    };
    let leading = |left: u32| {
        let exponent = u32::try_from(exponent.checked_shr(left).unwrap_or(0)).ok()?;
        word.checked_pow(exponent).filter(|power| *power < BASE).map(|power| (power, left))
    };
    let (power, left) = (0..=bits).find_map(leading).unwrap_or((1, bits));
    (power.into(), left)
}
