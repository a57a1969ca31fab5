//! Amounts of records, for limits and counts.

/// A number of records and their size in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl Amount {
    /// True if the records or the bytes reach their part of `limit`.
    pub(super) fn reaches(self, limit: Self) -> bool {
        self.records >= limit.records || self.bytes >= limit.bytes
    }

    /// True if the records or the bytes exceed their part of `limit`.
    pub(super) fn exceeds(self, limit: Self) -> bool {
        self.records > limit.records || self.bytes > limit.bytes
    }

    pub(super) fn saturating_sub(self, other: Self) -> Self {
        Self {
            records: self.records.saturating_sub(other.records),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    pub(super) fn saturating_mul(self, factor: usize) -> Self {
        let records = self.records.saturating_mul(factor);
        Self { records, bytes: self.bytes.saturating_mul(factor) }
    }

    /// Divides both numbers by `count`, or by 1 if `count` is 0.
    pub(super) fn divided_by(self, count: usize) -> Self {
        let count = count.max(1);
        Self { records: self.records / count, bytes: self.bytes / count }
    }
}
