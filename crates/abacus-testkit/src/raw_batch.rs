//! Record batches below the client libraries: the bytes of Kafka's requests by hand.
//!
//! The broker decompresses each batch and checks its records, but takes two kinds of batches that
//! librdkafka cannot read: a frame of LZ4 with a wrong checksum of its content, and gzip in several
//! members. See the Kafka protocol guide, "Record Batch" and "Produce API (version 7)".

mod bytes;
mod checksum;
mod compression;
mod connection;
mod fetch;
mod produce;

use self::bytes::{len, put_i16, put_i32, put_varint};
use self::checksum::{CRC32C, crc};
pub use self::compression::Unreadable;
pub use self::fetch::batch_codecs;

/// A record of a batch. Names of headers are bytes, as in the protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRecord {
    /// Difference to the timestamp of the batch, in milliseconds.
    pub timestamp_delta: i64,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value.
    pub value: Option<Vec<u8>>,
    /// Headers.
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// A batch of records. The fields hold what the broker is told, right or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawBatch {
    /// Attributes: codec, kind of timestamp, transactional, control.
    pub attributes: i16,
    /// Timestamp of the first record, in milliseconds since the Unix epoch.
    pub first_timestamp: i64,
    /// Largest timestamp, in milliseconds since the Unix epoch.
    pub largest_timestamp: i64,
    /// Offset of the last record, relative to the first.
    pub last_offset_delta: i32,
    /// Number of records.
    pub count: i32,
    /// The records, compressed by the codec of the attributes.
    pub records: Vec<u8>,
}

impl RawBatch {
    /// A batch without compression and without a fault, at the timestamp `now`.
    pub fn new(records: &[RawRecord], now: i64) -> Self {
        let count = i32::try_from(records.len()).expect("a small batch");
        Self {
            attributes: 0,
            first_timestamp: now,
            largest_timestamp: now,
            last_offset_delta: count - 1,
            count,
            records: encode(records),
        }
    }

    /// A batch of `values` that the broker takes and librdkafka cannot read, at the timestamp `now`.
    pub fn unreadable(kind: Unreadable, values: &[&[u8]], now: i64) -> Self {
        let record =
            |value: &&[u8]| RawRecord { value: Some(value.to_vec()), ..RawRecord::default() };
        let records: Vec<RawRecord> = values.iter().map(record).collect();
        let batch = Self::new(&records, now);
        let (attributes, records) = kind.compress(&batch.records);
        Self { attributes, records, ..batch }
    }

    /// Writes the batch to the partition. Returns the offset of its first record, or the reason why
    /// the broker refuses the batch.
    pub fn produce(&self, bootstrap: &str, topic: &str, partition: i32) -> Result<i64, String> {
        produce::produce(bootstrap, topic, partition, &self.encode())
    }

    fn encode(&self) -> Vec<u8> {
        let mut checked = Vec::new();
        put_i16(&mut checked, self.attributes);
        put_i32(&mut checked, self.last_offset_delta);
        checked.extend(self.first_timestamp.to_be_bytes());
        checked.extend(self.largest_timestamp.to_be_bytes());
        checked.extend((-1_i64).to_be_bytes()); // no producer id
        put_i16(&mut checked, -1);
        put_i32(&mut checked, -1);
        put_i32(&mut checked, self.count);
        checked.extend_from_slice(&self.records);
        let mut batch = 0_i64.to_be_bytes().to_vec();
        put_i32(&mut batch, len(&checked) + 4 + 1 + 4);
        put_i32(&mut batch, -1);
        batch.push(2); // magic
        batch.extend(crc(&checked, CRC32C).to_be_bytes());
        batch.extend(checked);
        batch
    }
}

fn encode(records: &[RawRecord]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for (delta, record) in records.iter().enumerate() {
        let mut bytes = vec![0]; // attributes
        put_varint(&mut bytes, record.timestamp_delta);
        put_varint(&mut bytes, delta.try_into().unwrap());
        put_bytes(&mut bytes, record.key.as_deref());
        put_bytes(&mut bytes, record.value.as_deref());
        put_varint(&mut bytes, record.headers.len().try_into().unwrap());
        for (name, value) in &record.headers {
            put_bytes(&mut bytes, Some(name));
            put_bytes(&mut bytes, value.as_deref());
        }
        put_varint(&mut encoded, bytes.len().try_into().unwrap());
        encoded.extend(bytes);
    }
    encoded
}

fn put_bytes(to: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            put_varint(to, bytes.len().try_into().unwrap());
            to.extend_from_slice(bytes);
        }
        None => put_varint(to, -1),
    }
}
