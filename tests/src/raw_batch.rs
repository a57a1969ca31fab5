//! Record batches below the client libraries: the bytes of Kafka's requests by hand.
//!
//! The broker decompresses each batch and checks its records, but takes two kinds of batches that
//! librdkafka cannot read: a frame of LZ4 with a wrong checksum of its content, and gzip in several
//! members. See the Kafka protocol guide, "Record Batch" and "Produce API (version 7)".

pub(crate) mod fetch;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// A way to write records that librdkafka cannot read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unreadable {
    /// LZ4 with a wrong checksum of the content: librdkafka reports an error.
    WrongChecksum,
    /// gzip in two members, of which librdkafka reads the first: no error is reported.
    TwoMembers,
}

/// Writes a batch of `values` to the partition. Returns the offset of its first record.
#[track_caller]
pub(crate) fn produce(
    bootstrap: &str,
    (topic, partition): (&str, i32),
    kind: Unreadable,
    values: &[&[u8]],
) -> i64 {
    let batch = record_batch(kind, values);
    let mut body = Vec::new();
    put_i16(&mut body, 0); // Produce
    put_i16(&mut body, 7);
    put_i32(&mut body, 1); // correlation id
    put_string(&mut body, "abacus-tests");
    put_i16(&mut body, -1); // no transactional id
    put_i16(&mut body, -1); // acks=all
    put_i32(&mut body, 10_000);
    put_i32(&mut body, 1);
    put_string(&mut body, topic);
    put_i32(&mut body, 1);
    put_i32(&mut body, partition);
    put_i32(&mut body, len(&batch));
    body.extend(batch);
    let answer = send(bootstrap, &body);
    // Correlation id, number of topics, name, number of partitions, partition, error, offset.
    let at = 4 + 4 + 2 + topic.len() + 4 + 4;
    let error = i16::from_be_bytes(answer[at..at + 2].try_into().unwrap());
    assert_eq!(error, 0, "the broker refuses a batch of the kind {kind:?}");
    i64::from_be_bytes(answer[at + 2..at + 10].try_into().unwrap())
}

/// Sends a request to the broker. Returns the response.
fn send(bootstrap: &str, request: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(bootstrap).unwrap();
    socket.write_all(&len(request).to_be_bytes()).unwrap();
    socket.write_all(request).unwrap();
    let mut size = [0; 4];
    socket.read_exact(&mut size).unwrap();
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(size)).unwrap()];
    socket.read_exact(&mut answer).unwrap();
    answer
}

fn record_batch(kind: Unreadable, values: &[&[u8]]) -> Vec<u8> {
    let mut records = Vec::new();
    for (delta, value) in values.iter().enumerate() {
        let mut record = vec![0]; // attributes
        put_varint(&mut record, 0); // timestamp
        put_varint(&mut record, delta.try_into().unwrap());
        put_varint(&mut record, -1); // no key
        put_varint(&mut record, value.len().try_into().unwrap());
        record.extend_from_slice(value);
        put_varint(&mut record, 0); // no headers
        put_varint(&mut records, record.len().try_into().unwrap());
        records.extend(record);
    }
    let (codec, compressed) = match kind {
        Unreadable::WrongChecksum => (3, lz4_with_wrong_checksum(&records)),
        Unreadable::TwoMembers => (1, gzip_in_two_members(&records)),
    };
    let count = i32::try_from(values.len()).unwrap();
    let mut checked = Vec::new();
    put_i16(&mut checked, codec);
    put_i32(&mut checked, count - 1);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    for _ in ["first timestamp", "largest timestamp"] {
        checked.extend(i64::try_from(now.as_millis()).unwrap().to_be_bytes());
    }
    checked.extend((-1_i64).to_be_bytes()); // no producer id
    put_i16(&mut checked, -1);
    put_i32(&mut checked, -1);
    put_i32(&mut checked, count);
    checked.extend(compressed);
    let mut batch = 0_i64.to_be_bytes().to_vec();
    put_i32(&mut batch, len(&checked) + 4 + 1 + 4);
    put_i32(&mut batch, -1);
    batch.push(2); // magic
    batch.extend(crc(&checked, CRC32C).to_be_bytes());
    batch.extend(checked);
    batch
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

/// Reflected polynomials.
const CRC32: u32 = 0xedb8_8320;
const CRC32C: u32 = 0x82f6_3b78;

fn crc(bytes: &[u8], polynomial: u32) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (polynomial & 0_u32.wrapping_sub(crc & 1))
        })
    })
}

fn len(bytes: &[u8]) -> i32 {
    bytes.len().try_into().unwrap()
}

fn put_i16(to: &mut Vec<u8>, value: i16) {
    to.extend(value.to_be_bytes());
}

fn put_i32(to: &mut Vec<u8>, value: i32) {
    to.extend(value.to_be_bytes());
}

fn put_string(to: &mut Vec<u8>, text: &str) {
    put_i16(to, text.len().try_into().unwrap());
    to.extend(text.as_bytes());
}

/// Zigzag, seven bits a byte.
fn put_varint(to: &mut Vec<u8>, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while left >= 0x80 {
        to.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    to.push((left & 0x7f) as u8);
}

#[test]
fn the_checksums_are_the_well_known_ones() {
    assert_eq!(crc(b"123456789", CRC32), 0xcbf4_3926);
    assert_eq!(crc(b"123456789", CRC32C), 0xe306_9283);
}
