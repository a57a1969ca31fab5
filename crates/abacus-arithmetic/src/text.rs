//! Conversions between limbs and decimal digits, sixteen at a time.

use crate::limbs::{DIGITS, trim};

/// Reads a number written in ASCII digits. Any other byte is read as some digit.
pub(crate) fn read(digits: &str) -> Vec<u64> {
    let value = |digits: &[u8]| {
        digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit.wrapping_sub(b'0') % 10))
    };
    let mut limbs: Vec<u64> = digits.as_bytes().rchunks(DIGITS).map(value).collect();
    trim(&mut limbs);
    limbs
}

/// Writes the digits of a number without leading zeros, followed by `zeros` zeros.
pub(crate) fn write(limbs: &[u64], zeros: usize) -> String {
    let Some((top, rest)) = limbs.split_last() else {
        return "0".to_owned();
    };
    let first = sixteen_digits(*top);
    let leading = first.iter().take_while(|digit| **digit == b'0').count();
    let first = first.get(leading..).unwrap_or_default();
    let mut text = vec![b'0'; first.len() + rest.len() * DIGITS + zeros];
    let (start, others) = text.split_at_mut(first.len());
    start.copy_from_slice(first);
    for (digits, limb) in others.chunks_exact_mut(DIGITS).zip(rest.iter().rev()) {
        digits.copy_from_slice(&sixteen_digits(*limb));
    }
    // Never fails: all bytes are ASCII digits.
    String::from_utf8(text).unwrap_or_default()
}

/// Number of digits without leading zeros. Zero has one digit.
pub(crate) fn length(limbs: &[u64]) -> usize {
    let Some((top, rest)) = limbs.split_last() else {
        return 1;
    };
    rest.len() * DIGITS + top.checked_ilog10().map_or(1, |digits| digits as usize + 1)
}

fn sixteen_digits(limb: u64) -> [u8; DIGITS] {
    let both = u128::from(eight_digits(limb / 100_000_000))
        | u128::from(eight_digits(limb % 100_000_000)) << 64;
    both.to_le_bytes()
}

/// Writes a number below 10⁸ as eight ASCII digits, the first digit in the lowest byte. The number
/// is halved three times; each step works on all parts at once, within a word. Divisions by 100 and
/// 10 are multiplications by reciprocals, exact for all numbers below 10,000 and 100. The method is
/// Paul Khuong's, "How to print integers really fast" (2017).
fn eight_digits(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    let ones = tens | ((twos - 10 * tens) << 8);
    ones + 0x3030_3030_3030_3030
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_are_those_of_the_number() {
        let all_fours = (0..10_000).flat_map(|four| [four, four * 10_000, 99_990_000 + four]);
        for number in all_fours.filter(|number| *number < 100_000_000) {
            let text = format!("{number:08}");
            assert_eq!(eight_digits(number).to_le_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn text_and_limbs_are_inverse() {
        let pattern = "9081726354".repeat(10);
        for digits in (1..=pattern.len()).map(|length| &pattern[..length]) {
            let limbs = read(digits);
            assert_eq!(write(&limbs, 0), digits);
            assert_eq!(write(&limbs, 3), format!("{digits}000"));
            assert_eq!(length(&limbs), digits.len());
        }
        assert_eq!(read("000000000000000000000000000000000007"), [7]);
        assert_eq!((write(&[], 5), length(&[])), ("0".to_owned(), 1));
    }
}
