//! What was asked, and what full scans of the topics say came of it.

use abacus_schemas::{ComputeCompleted, ComputeRequested, headers};
use abacus_testkit::{Isolation, Record, System};

use crate::question::Question;

/// One request as its caller made it, and what the caller heard.
#[derive(Clone, Debug)]
pub struct Call {
    /// What was asked.
    pub question: Question,
    /// Which channel, and what came of that.
    pub channel: Channel,
}

/// A channel to ask.
#[derive(Clone, Debug)]
pub enum Channel {
    /// A record of the caller's own, with headers for a reply.
    Direct(DirectCall),
    /// A call over HTTP.
    Http(HttpAnswer),
}

/// A record that asks.
#[derive(Clone, Debug)]
pub struct DirectCall {
    /// Its request id.
    pub id: String,
    /// What its reply carries back.
    pub correlation: String,
    /// The partition of the reply topic that is this caller's.
    pub caller: i32,
    /// Whether its deadline was over before it was asked.
    pub is_late: bool,
    /// Why it is not known to have been written, if it is not.
    pub unwritten: Option<String>,
}

/// What a call over HTTP came to.
#[derive(Clone, Debug)]
pub enum HttpAnswer {
    /// A response.
    Response {
        /// The status code.
        status: u16,
        /// The body.
        body: String,
    },
    /// The connection failed.
    NoResponse(String),
}

/// A request as it is in its topic.
#[derive(Clone, Debug)]
pub struct Requested {
    /// Its partition.
    pub partition: i32,
    /// When its caller stops waiting, in milliseconds since the Unix epoch.
    pub deadline: Option<i64>,
    /// The event.
    pub event: ComputeRequested,
}

/// A completion as it is in its topic.
#[derive(Clone, Debug)]
pub struct Completed {
    /// Its partition.
    pub partition: i32,
    /// The event.
    pub event: ComputeCompleted,
}

/// A reply to a direct caller as it is in the callers' topic.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its partition, which is its caller.
    pub caller: i32,
    /// What it carries back.
    pub correlation: String,
    /// The event.
    pub event: ComputeCompleted,
}

/// All there is to judge by.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// What was asked.
    pub calls: Vec<Call>,
    /// The requests' topic.
    pub requested: Vec<Requested>,
    /// The completions' topic as `read_committed` shows it.
    pub completed: Vec<Completed>,
    /// How many completions `read_uncommitted` shows.
    pub written: usize,
    /// How many requests were handed to the heavy lane.
    pub handed_over: usize,
    /// The direct callers' reply topic.
    pub replies: Vec<Reply>,
    /// How many dead letters there are.
    pub dead_letters: usize,
}

impl Evidence {
    /// Reads all topics from their beginning.
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
