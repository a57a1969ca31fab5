//! The topics: their names, and the settings a deployment creates them with.

/// Requests, keyed by request id.
pub const REQUESTED: &str = "abacus.compute.requested.v1";
/// Costly requests that a processor handed over, so that they hold nothing up. Same schema, and the
/// same partition number as before.
pub const REQUESTED_HEAVY: &str = "abacus.compute.requested.heavy.v1";
/// Completions: transactional, to be read with `read_committed`; a completion has the partition
/// number of its request, so the two topics are co-partitioned for joins.
pub const COMPLETED: &str = "abacus.compute.completed.v1";
/// Replies to waiting ingress instances; one partition each, kept for minutes.
pub const REPLIES: &str = "abacus.compute.replies.v1";
/// Records that could not be read, byte for byte, with the reason in their headers.
pub const DEAD_LETTER: &str = "abacus.compute.dead-letter.v1";

/// The largest record the topics take.
pub const MAX_RECORD_BYTES: usize = 8 << 20;
/// The largest request: half of that, since a completion holds its request and a result, and a dead
/// letter its record and the reason.
pub const MAX_REQUEST_BYTES: usize = MAX_RECORD_BYTES / 2;
/// The largest value that a completion or a dead letter may have, so that with its headers and
/// Kafka's own framing it surely fits.
pub const MAX_VALUE_BYTES: usize = MAX_RECORD_BYTES - (1 << 20);

/// The topic names a process uses: the standard ones, or all under one prefix, so that several
/// systems (or tests) can share a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    /// [`REQUESTED`]
    pub requested: String,
    /// [`REQUESTED_HEAVY`]
    pub requested_heavy: String,
    /// [`COMPLETED`]
    pub completed: String,
    /// [`REPLIES`]
    pub replies: String,
    /// [`DEAD_LETTER`]
    pub dead_letter: String,
}

impl Topics {
    /// The standard names with `prefix` in front; empty for the names as they are.
    pub fn with_prefix(prefix: &str) -> Self {
        let name = |topic: &str| format!("{prefix}{topic}");
        Self {
            requested: name(REQUESTED),
            requested_heavy: name(REQUESTED_HEAVY),
            completed: name(COMPLETED),
            replies: name(REPLIES),
            dead_letter: name(DEAD_LETTER),
        }
    }

    /// The topics that processors read requests from. None of them may have more partitions than
    /// [`completed`](Self::completed).
    pub fn of_requests(&self) -> Vec<&str> {
        vec![&self.requested_heavy, &self.requested]
    }

    /// Every topic with the settings to create it with, in the order to create and to enlarge them
    /// in: where completions go comes before where their requests come from. `partitions` is the
    /// number for the event topics, `reply_partitions` that for the reply topic: at least one an
    /// ingress instance.
    pub fn specs(&self, partitions: u32, reply_partitions: u32) -> Vec<TopicSpec> {
        let event = |name: &str| TopicSpec {
            name: name.to_owned(),
            partitions,
            retention_ms: EVENT_RETENTION_MS,
            max_record_bytes: MAX_RECORD_BYTES,
        };
        let replies = TopicSpec {
            partitions: reply_partitions,
            retention_ms: REPLY_RETENTION_MS,
            ..event(&self.replies)
        };
        vec![
            event(&self.completed),
            event(&self.dead_letter),
            replies,
            event(&self.requested_heavy),
            TopicSpec { max_record_bytes: MAX_REQUEST_BYTES, ..event(&self.requested) },
        ]
    }
}

/// How a topic is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// The topic's name.
    pub name: String,
    /// Number of partitions.
    pub partitions: u32,
    /// How long records are kept, in milliseconds. For events longer than the longest outage of
    /// Postgres plus the longest fail-over, since the log is what heals the database.
    pub retention_ms: u64,
    /// The largest record it takes.
    pub max_record_bytes: usize,
}

const EVENT_RETENTION_MS: u64 = 7 * 24 * 60 * 60 * 1000;
const REPLY_RETENTION_MS: u64 = 10 * 60 * 1000;

/// The registry's subject for the values of `topic` (`TopicNameStrategy`).
pub fn value_subject(topic: &str) -> String {
    format!("{topic}-value")
}
