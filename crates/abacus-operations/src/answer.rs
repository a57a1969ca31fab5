//! The result of a computation as callers receive it.

/// The result of one computation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The number in decimal digits, with a leading minus if negative.
    pub decimal: String,
    /// Number of decimal digits, without the sign.
    pub digits: u64,
    /// Number of bits of the absolute value. Zero has no bits.
    pub bits: u64,
}
