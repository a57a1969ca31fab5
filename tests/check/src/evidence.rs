//! The evidence: calls as made by the callers, and full scans of the topics.

use abacus_schemas::{ComputeCompleted, ComputeRequested, headers};
use abacus_testkit::{Isolation, Record, System};

use crate::question::Question;

/// A call and its outcome as seen by the caller.
#[derive(Clone, Debug)]
pub struct Call {
    /// The question.
    pub question: Question,
    /// The channel, with its outcome.
    pub channel: Channel,
}

/// A channel for calls.
#[derive(Clone, Debug)]
pub enum Channel {
    /// A record with reply headers, produced by the caller.
    Direct(DirectCall),
    /// An HTTP request.
    Http(HttpAnswer),
}

/// A request produced to Kafka.
#[derive(Clone, Debug)]
pub struct DirectCall {
    /// Request id.
    pub id: String,
    /// Correlation id.
    pub correlation: String,
    /// Partition of the reply topic that belongs to the caller.
    pub caller: i32,
    /// `true` if the deadline had expired when the request was sent.
    pub is_late: bool,
    /// Error of the delivery, if the record may not have been written.
    pub unwritten: Option<String>,
}

/// Outcome of an HTTP call.
#[derive(Clone, Debug)]
pub enum HttpAnswer {
    /// A response.
    Response {
        /// Status code.
        status: u16,
        /// Body.
        body: String,
    },
    /// Error of a failed connection.
    NoResponse(String),
}

/// A request in the topic.
#[derive(Clone, Debug)]
pub struct Requested {
    /// Partition.
    pub partition: i32,
    /// Deadline of the caller, in milliseconds since the Unix epoch.
    pub deadline: Option<i64>,
    /// Event.
    pub event: ComputeRequested,
}

/// A completion in the topic.
#[derive(Clone, Debug)]
pub struct Completed {
    /// Partition.
    pub partition: i32,
    /// Event.
    pub event: ComputeCompleted,
}

/// A reply in the topic of the direct callers.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Partition, equal to the caller.
    pub caller: i32,
    /// Correlation id.
    pub correlation: String,
    /// Event.
    pub event: ComputeCompleted,
}

/// The evidence of a check.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// All calls.
    pub calls: Vec<Call>,
    /// Requests in the topic.
    pub requested: Vec<Requested>,
    /// Completions in the topic, under `read_committed`.
    pub completed: Vec<Completed>,
    /// Number of completions under `read_uncommitted`.
    pub written: usize,
    /// Number of requests handed over to the heavy lane.
    pub handed_over: usize,
    /// Replies to direct callers.
    pub replies: Vec<Reply>,
    /// Number of dead letters.
    pub dead_letters: usize,
}

impl Evidence {
    /// Scans all topics from the beginning.
    pub(crate) fn gather(system: &System, reply_topic: &str, calls: Vec<Call>) -> Self {
        let scan = |topic: &str, isolation| system.kafka.scan(topic, isolation);
        let topics = &system.topics;
        let requests = scan(&topics.requested, Isolation::Uncommitted);
        let completions = scan(&topics.completed, Isolation::Committed);
        let replies = scan(reply_topic, Isolation::Uncommitted);
        Self {
            calls,
            requested: requests.iter().map(|record| requested(system, record)).collect(),
            completed: completions.iter().map(|record| completed(system, record)).collect(),
            written: scan(&topics.completed, Isolation::Uncommitted).len(),
            handed_over: scan(&topics.requested_heavy, Isolation::Committed).len(),
            replies: replies.iter().map(|record| reply(system, record)).collect(),
            dead_letters: scan(&topics.dead_letter, Isolation::Committed).len(),
        }
    }
}

fn requested(system: &System, record: &Record) -> Requested {
    let headers = record.headers.iter().map(|(name, value)| (name.as_str(), Some(&value[..])));
    Requested {
        partition: record.position.partition,
        deadline: headers::deadline_ms(headers),
        event: system.events.requested(record).expect("only requests are asked"),
    }
}

fn completed(system: &System, record: &Record) -> Completed {
    Completed { partition: record.position.partition, event: system.events.completed(record) }
}

fn reply(system: &System, record: &Record) -> Reply {
    Reply {
        caller: record.position.partition,
        correlation: record.header(headers::CORRELATION_ID).to_owned(),
        event: system.events.completed(record),
    }
}
