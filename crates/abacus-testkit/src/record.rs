//! Records of Kafka topics, and how transactions show in a read.

/// What a reader sees of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// What was committed, up to the first open transaction.
    Committed,
    /// Everything that was written, aborted or not.
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
    /// The topic.
    pub topic: String,
    /// The partition; `None` leaves it to the key.
    pub partition: Option<i32>,
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub payload: Vec<u8>,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Where a record was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it is.
    pub position: Position,
    /// The key; empty if there is none.
    pub key: Vec<u8>,
    /// The value; empty if there is none.
    pub payload: Vec<u8>,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Record {
    /// The value of the header `name`, as text.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.iter().find(|(key, _)| key == name);
        let (_, value) = value.unwrap_or_else(|| panic!("no header {name} in {:?}", self.headers));
        std::str::from_utf8(value).unwrap_or_else(|_| panic!("header {name} is {value:?}"))
    }
}
