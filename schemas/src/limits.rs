//! Limits of the decoder, for records and schemas from untrusted producers.

use crate::avro::ValueLimits;

/// Limits of a decoder. The default suits every event of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Largest record value, in bytes after decompression. The Kafka client decompresses a whole
    /// batch before: only the `max.message.bytes` of the topic bounds this memory, times the ratio
    /// of the codec (1032 for gzip, 255 for lz4).
    pub record_bytes: usize,
    /// Largest number of values in a record: entries of maps, and all values of fields that the
    /// event does not have. A value may take no bytes.
    pub record_values: u32,
    /// Deepest nesting of values in fields that the event does not have.
    pub record_depth: u32,
    /// Largest writer schema with its references, in bytes.
    pub schema_bytes: usize,
    /// Largest number of schemas that a writer schema refers to, directly or not.
    pub schema_references: usize,
    /// Largest number of writer schemas in memory.
    pub schemas: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            record_bytes: 16 << 20,
            record_values: 10_000,
            record_depth: 64,
            schema_bytes: 128 << 10,
            schema_references: 32,
            schemas: 100,
        }
    }
}

impl DecodeLimits {
    pub(crate) fn values(&self) -> ValueLimits {
        ValueLimits { values: self.record_values, depth: self.record_depth }
    }
}
