//! Names of the topics, and the settings for their creation.

/// Requests, keyed by request id.
pub const REQUESTED: &str = "abacus.compute.requested.v1";
/// Costly requests, forwarded by a processor to the heavy lane. Schema and partition number are
/// those of the original request.
pub const REQUESTED_HEAVY: &str = "abacus.compute.requested.heavy.v1";
/// Completions, written in transactions; read with `read_committed`. A completion has the
/// partition number of its request: the topics are co-partitioned for joins.
pub const COMPLETED: &str = "abacus.compute.completed.v1";
/// Replies to waiting ingress instances: one partition for each instance, kept for minutes.
pub const REPLIES: &str = "abacus.compute.replies.v1";
/// Unreadable records, byte for byte, with the reason in their headers.
pub const DEAD_LETTER: &str = "abacus.compute.dead-letter.v1";

/// Largest record of a topic, in bytes.
pub const MAX_RECORD_BYTES: usize = 8 << 20;
/// Largest request, in bytes: half a record, because a completion contains request and result, and
/// a dead letter contains record and reason.
pub const MAX_REQUEST_BYTES: usize = MAX_RECORD_BYTES / 2;
/// Largest value of a completion or dead letter, in bytes. The rest of the record is for headers
/// and Kafka's framing.
pub const MAX_VALUE_BYTES: usize = MAX_RECORD_BYTES - (1 << 20);

/// Topic names of a system: the standard names with a common prefix, so several systems or tests
/// can share a broker.
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
    /// Returns the standard names after `prefix`, which may be empty.
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

    /// Returns the topics from which processors read requests. Neither may have more partitions
    /// than [`completed`](Self::completed).
    pub fn request_topics(&self) -> Vec<&str> {
        vec![&self.requested_heavy, &self.requested]
    }

    /// Returns all topics with their settings, in the order of creating and enlarging: the
    /// completed topic before the request topics. `partitions` is the number for event topics.
    /// `reply_partitions` is the number for the reply topic, at least one for each ingress
    /// instance.
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

/// Settings for the creation of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name of the topic.
    pub name: String,
    /// Number of partitions.
    pub partitions: u32,
    /// Retention of records, in milliseconds. For events longer than the longest outage of
    /// Postgres plus the longest fail-over, because the log repairs the database.
    pub retention_ms: u64,
    /// Largest record, in bytes.
    pub max_record_bytes: usize,
}

const EVENT_RETENTION_MS: u64 = 7 * 24 * 60 * 60 * 1000;
const REPLY_RETENTION_MS: u64 = 10 * 60 * 1000;

/// Returns the subject of the registry for the values of `topic` (`TopicNameStrategy`).
pub fn value_subject(topic: &str) -> String {
    format!("{topic}-value")
}
