//! Headers of dead letters. Pure.
//!
//! The original record may contain headers with the names used for dead letters. A processor
//! appends headers at the end, so only the last header of a name describes the failure, and only
//! the last one is removed for a replay.

use std::fmt;
use std::str::FromStr;

use abacus_schemas::headers;

/// Headers of a record.
pub(super) type Headers<'a> = [(&'a str, Option<&'a [u8]>)];

/// Partition and offset of a dead letter in the dead-letter topic, which identify the dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DeadLetterId {
    pub(super) partition: i32,
    pub(super) offset: i64,
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition, self.offset)
    }
}

impl FromStr for DeadLetterId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.to_owned());
        let id = text.split_once(':').and_then(|(partition, offset)| {
            let (partition, offset) = (number(partition)?, number(offset)?);
            Some(Self { partition: partition.parse().ok()?, offset: offset.parse().ok()? })
        });
        id.ok_or("expected PARTITION:OFFSET, for example 0:17")
    }
}

/// Topic, partition and offset of the original record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.topic, self.partition, self.offset)
    }
}

/// Failure and origin of a record, from the headers that a processor appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) class: String,
    pub(super) message: String,
    pub(super) origin: Origin,
}

/// Names of the headers that a processor appends.
const NAMES: [&str; 5] = [
    headers::ORIGIN_TOPIC,
    headers::ORIGIN_PARTITION,
    headers::ORIGIN_OFFSET,
    headers::ERROR_CLASS,
    headers::ERROR_MESSAGE,
];

impl Failure {
    /// Returns `None` for a record without the headers of a processor.
    pub(super) fn read(headers: &Headers<'_>) -> Option<Self> {
        let class = text(headers, headers::ERROR_CLASS).filter(|class| is_class(class))?;
        Some(Self {
            class: class.to_owned(),
            message: text(headers, headers::ERROR_MESSAGE)?.to_owned(),
            origin: Origin {
                topic: text(headers, headers::ORIGIN_TOPIC)?.to_owned(),
                partition: text(headers, headers::ORIGIN_PARTITION)?.parse().ok()?,
                offset: text(headers, headers::ORIGIN_OFFSET)?.parse().ok()?,
            },
        })
    }
}

/// Returns `true` if `name` can be a class. The class becomes a part of the name of a consumer
/// group.
pub(super) fn is_class(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(is_plain)
}

/// Returns the value of the last header with this name.
pub(super) fn text<'a>(headers: &Headers<'a>, name: &str) -> Option<&'a str> {
    std::str::from_utf8(headers::last(headers.iter().copied(), name)?).ok()
}

/// Returns the headers of the original record.
pub(super) fn original_headers<'a>(headers: &Headers<'a>) -> Vec<(&'a str, Option<&'a [u8]>)> {
    let last = |name| headers.iter().rposition(|(found, _)| *found == name);
    let appended = NAMES.map(last);
    let original =
        headers.iter().enumerate().filter(|(index, _)| !appended.contains(&Some(*index)));
    original.map(|(_, header)| *header).collect()
}

/// Returns the headers for a replay, without reply and deadline: the caller has stopped waiting,
/// and a past deadline would be answered `expired`.
pub(super) fn for_replay(original: &Headers<'_>, from: DeadLetterId) -> Vec<(String, Vec<u8>)> {
    let is_kept = |name: &str| !headers::is_wait_header(name) && name != headers::REPLAYED_FROM;
    let kept = original.iter().filter(|(name, _)| is_kept(name));
    let owned = kept.map(|(name, value)| ((*name).to_owned(), value.unwrap_or_default().to_vec()));
    let replayed_from = (headers::REPLAYED_FROM.to_owned(), from.to_string().into_bytes());
    owned.chain([replayed_from]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: DeadLetterId = DeadLetterId { partition: 1, offset: 23 };

    fn with_failure<'a>(theirs: &[(&'a str, &'a str)]) -> Vec<(&'a str, Option<&'a [u8]>)> {
        let ours = NAMES.into_iter().zip(["requested", "3", "45", "malformed", "no Avro"]);
        let all = theirs.iter().copied().chain(ours);
        all.map(|(name, value)| (name, Some(value.as_bytes()))).collect()
    }

    #[test]
    fn an_id_is_written_as_it_is_read() {
        assert_eq!("1:23".parse(), Ok(ID));
        assert_eq!(ID.to_string(), "1:23");
        for wrong in ["", "1", ":", "1:", ":2", "-1:2", "1:+2", "1:2:3", "1:99999999999999999999"] {
            assert!(wrong.parse::<DeadLetterId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_failure_is_read_behind_whatever_the_sender_has_written() {
        let headers = with_failure(&[("origin-topic", "somewhere"), ("error-class", "harmless")]);
        let failure = Failure::read(&headers).unwrap();
        assert_eq!(failure.class, "malformed");
        assert_eq!(failure.message, "no Avro");
        assert_eq!(failure.origin.to_string(), "requested/3@45");
    }

    #[test]
    fn a_record_without_all_failure_headers_is_no_dead_letter() {
        let whole = with_failure(&[]);
        for missing in 0..whole.len() {
            let mut headers = whole.clone();
            headers.remove(missing);
            assert_eq!(Failure::read(&headers), None);
        }
        for class in ["", "../x", "UPPER", &"x".repeat(65)] {
            let mut headers = whole.clone();
            headers.push((headers::ERROR_CLASS, Some(class.as_bytes())));
            assert_eq!(Failure::read(&headers), None, "{class}");
        }
    }

    #[test]
    fn a_replay_has_the_senders_headers_but_nobody_who_waits() {
        let theirs = [
            ("from", "a stranger"),
            ("origin-topic", "somewhere"),
            ("correlation-id", "7"),
            ("kafka_replyTopic", "replies"),
            ("deadline-ms", "1700000000000"),
            ("abacus-replayed-from", "0:5"),
            ("traceparent", "00-1-2-01"),
        ];
        let replayed = for_replay(&original_headers(&with_failure(&theirs)), ID);
        let names: Vec<_> = replayed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["from", "origin-topic", "traceparent", "abacus-replayed-from"]);
        assert_eq!(replayed[1].1, b"somewhere");
        assert_eq!(replayed[3].1, b"1:23");
    }
}
