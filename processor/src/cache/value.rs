//! A remembered result, and its form in Redis.
//!
//! The stored form begins with its version and a checksum over the computation's name and the
//! rest. A value that was cut short, put under another key or written by somebody else does not
//! match, and counts as a miss.

use std::sync::Arc;

use abacus_operations::Answer;
use xxhash_rust::xxh3::Xxh3;

const VERSION: u8 = 1;
const CHECKSUM_END: usize = 9;
const BITS_END: usize = 17;

/// A remembered result. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cached {
    /// The number in decimal digits, with a leading minus if negative.
    pub(crate) decimal: Arc<str>,
    /// Bits of the absolute value.
    pub(crate) bits: u64,
}

impl From<Answer> for Cached {
    fn from(answer: Answer) -> Self {
        Self { decimal: answer.decimal.into(), bits: answer.bits }
    }
}

impl Cached {
    /// Decimal digits, sign not counted.
    pub(crate) fn digits(&self) -> usize {
        self.decimal.len() - usize::from(self.decimal.starts_with('-'))
    }

    pub(crate) fn to_bytes(&self, canonical: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BITS_END + self.decimal.len());
        bytes.push(VERSION);
        bytes.extend(checksum(canonical, self.bits, self.decimal.as_bytes()).to_le_bytes());
        bytes.extend(self.bits.to_le_bytes());
        bytes.extend(self.decimal.as_bytes());
        bytes
    }

    /// `None` for anything that [`to_bytes`](Self::to_bytes) did not write for this computation.
    pub(crate) fn from_bytes(canonical: &str, bytes: &[u8]) -> Option<Self> {
        if *bytes.first()? != VERSION {
            return None;
        }
        let stored = u64::from_le_bytes(bytes.get(1..CHECKSUM_END)?.try_into().ok()?);
        let bits = u64::from_le_bytes(bytes.get(CHECKSUM_END..BITS_END)?.try_into().ok()?);
        let decimal = bytes.get(BITS_END..)?;
        if stored != checksum(canonical, bits, decimal) {
            return None;
        }
        Some(Self { decimal: std::str::from_utf8(decimal).ok()?.into(), bits })
    }
}

fn checksum(canonical: &str, bits: u64, decimal: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(&(canonical.len() as u64).to_le_bytes());
    hasher.update(canonical.as_bytes());
    hasher.update(&bits.to_le_bytes());
    hasher.update(decimal);
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(decimal: &str) -> Cached {
        Cached { decimal: decimal.into(), bits: 8 }
    }

    #[test]
    fn a_sign_is_not_a_digit() {
        assert_eq!((value("-123").digits(), value("123").digits()), (3, 3));
    }

    #[test]
    fn what_is_stored_is_found() {
        let bytes = value("-128").to_bytes("pow(-2,7)");
        assert_eq!(Cached::from_bytes("pow(-2,7)", &bytes), Some(value("-128")));
    }

    #[test]
    fn a_value_under_another_key_is_a_miss() {
        let bytes = value("128").to_bytes("pow(2,7)");
        assert_eq!(Cached::from_bytes("pow(2,8)", &bytes), None);
    }

    proptest! {
        #[test]
        fn a_value_that_was_cut_or_changed_is_a_miss(
            cut in any::<prop::sample::Index>(),
            at in any::<prop::sample::Index>(),
            flip in 1..=255_u8,
        ) {
            let bytes = value("121393").to_bytes("fibonacci(26)");
            let cut = &bytes[..cut.index(bytes.len())];
            prop_assert_eq!(Cached::from_bytes("fibonacci(26)", cut), None);
            let mut changed = bytes.clone();
            changed[at.index(bytes.len())] ^= flip;
            prop_assert_eq!(Cached::from_bytes("fibonacci(26)", &changed), None);
        }

        #[test]
        fn foreign_bytes_are_a_miss(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(Cached::from_bytes("pow(2,7)", &bytes), None);
        }
    }
}
