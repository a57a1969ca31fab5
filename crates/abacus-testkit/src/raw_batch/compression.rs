//! Compressed content that the broker reads and librdkafka does not.

use super::checksum::{CRC32, crc};

/// A way to write records that librdkafka cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// LZ4 with a wrong checksum of the content: librdkafka reports an error.
    WrongChecksum,
    /// gzip in two members, of which librdkafka reads the first: no error is reported.
    TwoMembers,
}

impl Unreadable {
    /// Returns the number of the codec, and the compressed content.
    pub(super) fn compress(self, content: &[u8]) -> (i16, Vec<u8>) {
        match self {
            Self::WrongChecksum => (3, lz4_with_wrong_checksum(content)),
            Self::TwoMembers => (1, gzip_in_two_members(content)),
        }
    }
}

/// One stored block. The broker does not compare the checksum of the content.
fn lz4_with_wrong_checksum(content: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x04, 0x22, 0x4d, 0x18, 0x64, 0x40, 0xa7];
    let size = u32::try_from(content.len()).unwrap() | 0x8000_0000;
    frame.extend(size.to_le_bytes());
    frame.extend_from_slice(content);
    frame.extend([0; 4]); // end of the blocks
    frame.extend(*b"oops");
    frame
}

fn gzip_in_two_members(content: &[u8]) -> Vec<u8> {
    let (first, second) = content.split_at(3);
    [gzip(first), gzip(second)].concat()
}

/// One stored block (RFC 1951, 3.2.4) in one member (RFC 1952).
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    let size = u16::try_from(content.len()).unwrap();
    member.extend(size.to_le_bytes());
    member.extend((!size).to_le_bytes());
    member.extend_from_slice(content);
    member.extend(crc(content, CRC32).to_le_bytes());
    member.extend(u32::from(size).to_le_bytes());
    member
}
