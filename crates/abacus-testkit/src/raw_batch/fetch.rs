//! Codecs of the record batches in a partition. A client library gives records without their codec.
//!
//! See the Kafka protocol guide, "Record Batch" and "Fetch API (version 4)".

use super::bytes::{put_i16, put_i32, put_string};
use super::connection::exchange;

/// Codecs by their number in the attributes of a batch.
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
const MAX_BYTES: i32 = 1 << 20;

/// Returns the codec of each batch in the partition, in order.
#[track_caller]
pub fn batch_codecs(bootstrap: &str, topic: &str, partition: i32) -> Vec<&'static str> {
    let mut body = Vec::new();
    put_i16(&mut body, 1); // Fetch
    put_i16(&mut body, 4);
    put_i32(&mut body, 1); // correlation id
    put_string(&mut body, "abacus-tests");
    put_i32(&mut body, -1); // no replica
    put_i32(&mut body, 0); // no wait
    put_i32(&mut body, 0); // no minimum
    put_i32(&mut body, MAX_BYTES);
    body.push(0); // read uncommitted
    put_i32(&mut body, 1);
    put_string(&mut body, topic);
    put_i32(&mut body, 1);
    put_i32(&mut body, partition);
    body.extend(0_i64.to_be_bytes()); // from the first offset
    put_i32(&mut body, MAX_BYTES);
    let answer = exchange(bootstrap, &body).expect("the broker answers");
    // Correlation id, throttle time, number of topics, name, number of partitions, partition, error.
    let at = 4 + 4 + 4 + 2 + topic.len() + 4 + 4;
    assert_eq!(answer[at..at + 2], [0; 2], "the broker refuses to read {topic}/{partition}");
    // Error, high watermark, last stable offset, aborted transactions (none), size of the batches.
    codecs_of(&answer[at + 2 + 8 + 8 + 4 + 4..])
}

/// A batch begins with the offset (8 bytes), the length of the rest (4), the epoch (4), the version
/// (1), the checksum (4), and the attributes (2), with the codec in the lowest bits.
fn codecs_of(mut batches: &[u8]) -> Vec<&'static str> {
    let mut codecs = Vec::new();
    while !batches.is_empty() {
        let rest = i32::from_be_bytes(batches[8..12].try_into().unwrap());
        codecs.push(CODECS[usize::from(batches[22] & 7)]);
        batches = &batches[12 + usize::try_from(rest).unwrap()..];
    }
    codecs
}
