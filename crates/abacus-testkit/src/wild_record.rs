//! Records as any client may write them.

/// A record in which a key, a value or the value of a header may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WildRecord {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Timestamp of the producer, in milliseconds since the Unix epoch. `None` for the current time.
    pub timestamp: Option<i64>,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value.
    pub payload: Option<Vec<u8>>,
    /// Headers. A name has no NUL character: librdkafka takes none.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}
