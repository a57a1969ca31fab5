//! Numbers and texts of the Kafka protocol.

pub(super) fn len(bytes: &[u8]) -> i32 {
    bytes.len().try_into().unwrap()
}

pub(super) fn put_i16(to: &mut Vec<u8>, value: i16) {
    to.extend(value.to_be_bytes());
}

pub(super) fn put_i32(to: &mut Vec<u8>, value: i32) {
    to.extend(value.to_be_bytes());
}

pub(super) fn put_string(to: &mut Vec<u8>, text: &str) {
    put_i16(to, text.len().try_into().unwrap());
    to.extend(text.as_bytes());
}

/// Zigzag, seven bits a byte.
pub(super) fn put_varint(to: &mut Vec<u8>, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while left >= 0x80 {
        to.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    to.push((left & 0x7f) as u8);
}
