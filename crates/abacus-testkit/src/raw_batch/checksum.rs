//! Checksums of batches and of gzip.

/// Reflected polynomials.
pub(super) const CRC32: u32 = 0xedb8_8320;
pub(super) const CRC32C: u32 = 0x82f6_3b78;

pub(super) fn crc(bytes: &[u8], polynomial: u32) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (polynomial & 0_u32.wrapping_sub(crc & 1))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksums_are_the_well_known_ones() {
        assert_eq!(crc(b"123456789", CRC32), 0xcbf4_3926);
        assert_eq!(crc(b"123456789", CRC32C), 0xe306_9283);
    }
}
