//! Records of Kafka topics, and isolation levels of readers.

/// Isolation level of a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Committed records, up to the first open transaction.
    Committed,
    /// All written records, including aborted ones.
    Uncommitted,
}

impl Isolation {
    pub(crate) fn level(self) -> &'static str {
        match self {
            Self::Committed => "read_committed",
            Self::Uncommitted => "read_uncommitted",
        }
    }
}

/// A record to write.
#[derive(Clone, Debug, Default)]
pub struct NewRecord {
    /// Topic.
    pub topic: String,
    /// Partition. `None` leaves the choice to the key.
    pub partition: Option<i32>,
    /// Key.
    pub key: Vec<u8>,
    /// Value.
    pub payload: Vec<u8>,
    /// Headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Position of a record in a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
}

/// A record read from a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Position in the topic.
    pub position: Position,
    /// Key, empty if missing.
    pub key: Vec<u8>,
    /// Value, empty if missing.
    pub payload: Vec<u8>,
    /// Headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Record {
    /// Returns the value of the header `name` as text.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.iter().find(|(key, _)| key == name);
        let (_, value) = value.unwrap_or_else(|| panic!("no header {name} in {:?}", self.headers));
        std::str::from_utf8(value).unwrap_or_else(|_| panic!("header {name} is {value:?}"))
    }
}
