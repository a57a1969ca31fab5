//! Tokens of unwritten replies: topic and size of a reply, for its delivery report.

/// Identity of a topic and size of a reply, for the delivery report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::replies) struct Token(pub(in crate::replies) u128);

impl Token {
    pub(super) fn new(number: u64, bytes: usize) -> Self {
        Self(u128::from(number) << 64 | bytes as u128)
    }

    pub(super) fn parts(self) -> (u64, usize) {
        let number = u64::try_from(self.0 >> 64).unwrap_or_default();
        (number, usize::try_from(self.0 & u128::from(u64::MAX)).unwrap_or_default())
    }
}
