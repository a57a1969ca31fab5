//! Packed decimal digits: 19 digits in a word of eight bytes, or 3.37 bits per digit. The theoretical
//! minimum is 3.32 bits.

/// Digits per word: 10^19 - 1 fits 64 bits.
const DIGITS: usize = 19;
const WORD_BYTES: usize = 8;
const WORD_END: u64 = 10_u64.pow(19);

/// Size of `digits` packed digits, in bytes.
pub(super) const fn packed_len(digits: usize) -> usize {
    digits.div_ceil(DIGITS) * WORD_BYTES
}

/// Appends the packed `text` to `bytes`, most significant word first. All words after the first are
/// full. Returns `None` if unpacking would not restore `text`.
pub(super) fn pack(text: &str, bytes: &mut Vec<u8>) -> Option<()> {
    let is_shortest = text == "0" || !text.starts_with('0');
    // Checking all bytes without an early exit lets the compiler vectorise the loop.
    let are_digits = text.bytes().fold(true, |all, byte| all & byte.is_ascii_digit());
    if text.is_empty() || !is_shortest || !are_digits {
        return None;
    }
    for chunk in text.as_bytes().rchunks(DIGITS).rev() {
        let word = chunk.iter().fold(0, |word, digit| word * 10 + u64::from(digit - b'0'));
        bytes.extend(word.to_le_bytes());
    }
    Some(())
}

/// Returns `sign` and the digits of `bytes`, or `None` if `bytes` are not packed digits.
pub(super) fn unpack(sign: &str, bytes: &[u8]) -> Option<String> {
    let (words, rest) = bytes.as_chunks::<WORD_BYTES>();
    let (first, others) = words.split_first().filter(|_| rest.is_empty())?;
    let first = u64::from_le_bytes(*first);
    if first >= WORD_END || (first == 0 && !others.is_empty()) {
        return None;
    }
    let mut text = format!("{sign}{first}").into_bytes();
    text.reserve_exact(others.len() * DIGITS);
    for word in others {
        text.extend_from_slice(&digits_of(u64::from_le_bytes(*word))?);
    }
    String::from_utf8(text).ok()
}

fn digits_of(word: u64) -> Option<[u8; DIGITS]> {
    let mut digits = [b'0'; DIGITS];
    let mut left = word;
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(left % 10).unwrap_or_default();
        left /= 10;
    }
    (left == 0).then_some(digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(text: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        pack(text, &mut bytes).map(|()| bytes)
    }

    #[test]
    fn each_word_holds_nineteen_digits() {
        let nines = "9".repeat(2 * DIGITS);
        let bytes = packed(&nines).unwrap();
        assert_eq!(bytes.len(), packed_len(nines.len()));
        assert_eq!(bytes.len(), 16);
        assert_eq!(unpack("-", &bytes), Some(format!("-{nines}")));
    }

    #[test]
    fn zeros_inside_are_kept() {
        for text in ["0", "10", &format!("1{}", "0".repeat(19)), &format!("7{}1", "0".repeat(56))] {
            assert_eq!(unpack("", &packed(text).unwrap()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_could_not_be_told_from_another_number_is_not_packed() {
        for text in ["", "00", "01", "-1", "1e5", "\u{663}"] {
            assert_eq!(packed(text), None, "{text:?}");
        }
    }

    #[test]
    fn words_that_hold_no_digits_are_refused() {
        let words =
            |words: &[u64]| -> Vec<u8> { words.iter().flat_map(|w| w.to_le_bytes()).collect() };
        for bytes in
            [words(&[]), words(&[WORD_END]), words(&[1, WORD_END]), words(&[0, 1]), vec![0; 9]]
        {
            assert_eq!(unpack("", &bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn digits_come_back(text in "[1-9][0-9]{0,200}") {
            prop_assert_eq!(unpack("", &packed(&text).unwrap()), Some(text));
        }
    }
}
