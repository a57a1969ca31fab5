//! The bytes of a record, with the count of its values.

use super::read_error::ReadError;

/// Limits for the values of one record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueLimits {
    /// Number of values: entries of maps, and all values that are skipped.
    pub(crate) values: u32,
    /// Nesting of skipped values.
    pub(crate) depth: u32,
}

/// A cursor over the Avro binary of a record.
pub(super) struct Input<'de> {
    bytes: &'de [u8],
    limits: ValueLimits,
    values_left: u32,
}

impl<'de> Input<'de> {
    pub(super) fn new(bytes: &'de [u8], limits: ValueLimits) -> Self {
        Self { bytes, limits, values_left: limits.values }
    }

    /// Number of bytes after the cursor.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Deepest nesting of skipped values.
    pub(super) fn max_depth(&self) -> u32 {
        self.limits.depth
    }

    /// Counts a value. A value may take no bytes, so the length of a record does not bound their
    /// number.
    pub(super) fn count_value(&mut self) -> Result<(), ReadError> {
        match self.values_left.checked_sub(1) {
            Some(left) => {
                self.values_left = left;
                Ok(())
            }
            None => Err(ReadError::TooLarge(format!(
                "the record has more than {} values",
                self.limits.values
            ))),
        }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'de [u8], ReadError> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(length)
            .ok_or_else(|| ReadError::malformed("the record ends inside a value"))?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Reads a number in the variable-length zigzag coding.
    pub(super) fn long(&mut self) -> Result<i64, ReadError> {
        let mut bits = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self
                .bytes
                .split_first()
                .ok_or_else(|| ReadError::malformed("the record ends inside a number"))?;
            self.bytes = rest;
            bits |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed());
            }
        }
        Err(ReadError::malformed("a number has more than ten bytes"))
    }

    /// Reads the index of a branch or symbol.
    pub(super) fn index(&mut self) -> Result<usize, ReadError> {
        let index = self.long()?;
        usize::try_from(index)
            .map_err(|_| ReadError::Malformed(format!("{index} is no index of a branch or symbol")))
    }

    /// Reads the index of a branch, and returns this branch of a union.
    pub(super) fn branch<'a, T>(&mut self, branches: &'a [T]) -> Result<&'a T, ReadError> {
        let index = self.index()?;
        branches
            .get(index)
            .ok_or_else(|| ReadError::Malformed(format!("a union has no branch {index}")))
    }

    /// Reads bytes after their length.
    pub(super) fn bytes(&mut self) -> Result<&'de [u8], ReadError> {
        let length = self.long()?;
        let length = usize::try_from(length)
            .map_err(|_| ReadError::Malformed(format!("{length} is no length")))?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Result<&'de str, ReadError> {
        std::str::from_utf8(self.bytes()?)
            .map_err(|error| ReadError::Malformed(format!("a text is not UTF-8: {error}")))
    }

    /// Reads the number of items in the next block of an array or map; 0 ends the array or map.
    pub(super) fn block(&mut self) -> Result<u64, ReadError> {
        let count = self.long()?;
        if count < 0 {
            // The length of the block in bytes, for readers that skip blocks.
            self.long()?;
        }
        Ok(count.unsigned_abs())
    }
}
