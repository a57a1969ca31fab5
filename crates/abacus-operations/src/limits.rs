//! The limits of a request, checked before any computation.

/// Limits on the size of results and operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest number of decimal digits of a result, without the sign.
    pub max_digits: u64,
    /// Largest number of decimal digits of one operand as written, without the sign.
    pub max_operand_digits: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_digits: 1_000_000, max_operand_digits: 1_000_000 }
    }
}
