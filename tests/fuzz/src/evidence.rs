//! The evidence of a run: what was written, and what came out.

use std::collections::{BTreeMap, BTreeSet};

use abacus_check::Question;
use abacus_schemas::Topics;
use abacus_testkit::Position;
use uuid::Uuid;

use crate::kind::Kind;
use crate::shot::{Content, Target};

/// All evidence of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// All kinds of records were to be written, and honest callers asked.
    pub(crate) is_whole: bool,
    pub(crate) written: Vec<Written>,
    /// Numbers of the records that the broker or the client refused, by kind.
    pub(crate) refused: BTreeMap<Kind, u64>,
    /// Completions that the services have written.
    pub(crate) completions: Vec<Completion>,
    pub(crate) dead_letters: Vec<DeadLetter>,
    pub(crate) honest: Vec<HonestCall>,
    pub(crate) projected: Projected,
    pub(crate) services: Vec<ServiceEnd>,
    /// Partitions that made no progress until the end of the patience.
    pub(crate) stuck: Vec<Stuck>,
}

/// A record in a topic.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) number: u64,
    pub(crate) kind: Kind,
    pub(crate) target: Target,
    pub(crate) position: Position,
    pub(crate) fate: Fate,
}

/// The right end of a written record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Completed(Content),
    Answered,
    DeadLetter,
    /// A dead letter, or the completion of this request.
    Either(Content),
    Ignored,
}

/// A completion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion {
    pub(crate) position: Position,
    pub(crate) content: Content,
    /// The completion has no room for its request, and so another digest.
    pub(crate) is_shortened: bool,
}

/// A dead letter of a processor: the range of offsets for which it stands.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetter {
    pub(crate) target: Target,
    pub(crate) partition: i32,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) class: String,
}

/// A call of an honest caller.
#[derive(Clone, Debug)]
pub(crate) struct HonestCall {
    pub(crate) question: Question,
    pub(crate) channel: Channel,
    pub(crate) answer: Answer,
}

/// The way of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// The HTTP API of the ingress.
    Http,
    /// A record with reply headers: its number.
    Kafka(u64),
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Id of the request, and result or code of the failure.
    Told(Option<Uuid>, Result<String, String>),
    /// No answer, or no answer that can be read.
    None(String),
}

/// State and counters of the projector.
#[derive(Clone, Debug, Default)]
pub(crate) struct Projected {
    /// Ids in `compute_requested`.
    pub(crate) requests: BTreeSet<Uuid>,
    /// Ids in `rejected_records`.
    pub(crate) rejected: BTreeSet<Uuid>,
    /// Records in committed batches.
    pub(crate) entries: u64,
    /// Rows of requests, those of known ids included.
    pub(crate) request_entries: u64,
    /// Records without a row.
    pub(crate) skipped: u64,
    /// Records and unreadable batches in the two topics.
    pub(crate) expected_entries: u64,
    /// Readable completions in their topic, those of strangers included.
    pub(crate) readable_completions: u64,
}

/// The state of a service at the end.
#[derive(Clone, Debug)]
pub(crate) struct ServiceEnd {
    pub(crate) name: &'static str,
    /// How the process ended, if it has.
    pub(crate) exit: Option<String>,
    pub(crate) is_ready: bool,
    /// Largest resident memory, in bytes.
    pub(crate) peak: u64,
    /// Largest allowed resident memory, in bytes.
    pub(crate) bound: u64,
    /// Panics, by the metrics.
    pub(crate) panics: u64,
}

/// A partition without progress.
#[derive(Clone, Debug)]
pub(crate) struct Stuck {
    pub(crate) group: &'static str,
    pub(crate) target: Target,
    /// Next offset of the group.
    pub(crate) position: Position,
    pub(crate) end: i64,
}

impl DeadLetter {
    /// The dead letter with these headers; `None` if the origin is no topic of requests.
    pub(crate) fn read(topics: &Topics, header: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let topic = header("origin-topic")?;
        let target = [Target::Requested, Target::Heavy]
            .into_iter()
            .find(|target| target.topic(topics) == topic)?;
        let partition = header("origin-partition")?.parse().ok()?;
        let first = header("origin-offset")?.parse().ok()?;
        let class = header("error-class")?;
        let message = header("error-message").unwrap_or_default();
        let last = if class == "unreadable-batch" { last_offset(&message)? } else { first };
        Some(Self { target, partition, first, last, class })
    }
}

/// The second number of `offsets 3 to 7: reason`.
fn last_offset(message: &str) -> Option<i64> {
    let (range, _) = message.strip_prefix("offsets ")?.split_once(": ")?;
    range.split_once(" to ")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_letter_names_its_record_or_the_records_of_its_batch() {
        let topics = Topics::with_prefix("");
        let read = |class: &str, message: &str| {
            let headers = BTreeMap::from([
                ("origin-topic", topics.requested.clone()),
                ("origin-partition", "2".to_owned()),
                ("origin-offset", "7".to_owned()),
                ("error-class", class.to_owned()),
                ("error-message", message.to_owned()),
            ]);
            let letter = DeadLetter::read(&topics, |name| headers.get(name).cloned())?;
            Some((letter.target, letter.partition, letter.first, letter.last))
        };
        assert_eq!(read("malformed", "why"), Some((Target::Requested, 2, 7, 7)));
        let text = "offsets 7 to 9: no codec";
        assert_eq!(read("unreadable-batch", text), Some((Target::Requested, 2, 7, 9)));
        assert_eq!(read("unreadable-batch", "why"), None);
    }
}
