//! What a letter's headers say of it. Pure.
//!
//! Whoever wrote the original may have used our header names. Ours were added at the end, so the
//! last header of a name is the one that counts, and the only one that is taken off again.

use std::fmt;
use std::str::FromStr;

use abacus_schemas::headers;

/// A record's headers.
pub(super) type Headers<'a> = [(&'a str, Option<&'a [u8]>)];

/// Where a letter is in the dead-letter topic. It is also its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) partition: i32,
    pub(super) offset: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.partition, self.offset)
    }
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.to_owned());
        let place = text.split_once(':').and_then(|(partition, offset)| {
            let (partition, offset) = (number(partition)?, number(offset)?);
            Some(Self { partition: partition.parse().ok()?, offset: offset.parse().ok()? })
        });
        place.ok_or("expected PARTITION:OFFSET, such as 0:17")
    }
}

/// Where the original of a letter was read.
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

/// What a processor has written on a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) class: String,
    pub(super) message: String,
    pub(super) origin: Origin,
}

const NAMES: [&str; 5] = [
    headers::ORIGIN_TOPIC,
    headers::ORIGIN_PARTITION,
    headers::ORIGIN_OFFSET,
    headers::ERROR_CLASS,
    headers::ERROR_MESSAGE,
];

impl Label {
    /// `None` for a record that no processor has put aside.
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

/// Whether `name` can be a class: it becomes part of a consumer group's name.
pub(super) fn is_class(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(is_plain)
}

/// The value of the last header called `name`.
pub(super) fn text<'a>(headers: &Headers<'a>, name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().rev().find(|(found, _)| *found == name)?;
    std::str::from_utf8((*value)?).ok()
}

/// The headers that the original had.
pub(super) fn without_label<'a>(headers: &Headers<'a>) -> Vec<(&'a str, Option<&'a [u8]>)> {
    let last = |name| headers.iter().rposition(|(found, _)| *found == name);
    let ours = NAMES.map(last);
    let theirs = headers.iter().enumerate().filter(|(index, _)| !ours.contains(&Some(*index)));
    theirs.map(|(_, header)| *header).collect()
}

/// The headers of the original when it is written again. Whoever waited for a reply has long given
/// up, and a deadline that is over would have the record answered `expired`.
pub(super) fn for_replay(original: &Headers<'_>, from: Place) -> Vec<(String, Vec<u8>)> {
    let is_kept = |name: &str| !headers::is_of_waiting(name) && name != headers::REPLAYED_FROM;
    let kept = original.iter().filter(|(name, _)| is_kept(name));
    let owned = kept.map(|(name, value)| ((*name).to_owned(), value.unwrap_or_default().to_vec()));
    let replayed_from = (headers::REPLAYED_FROM.to_owned(), from.to_string().into_bytes());
    owned.chain([replayed_from]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { partition: 1, offset: 23 };

    fn labelled<'a>(theirs: &[(&'a str, &'a str)]) -> Vec<(&'a str, Option<&'a [u8]>)> {
        let ours = NAMES.into_iter().zip(["requested", "3", "45", "malformed", "no Avro"]);
        let all = theirs.iter().copied().chain(ours);
        all.map(|(name, value)| (name, Some(value.as_bytes()))).collect()
    }

    #[test]
    fn a_place_is_written_as_it_is_read() {
        assert_eq!("1:23".parse(), Ok(PLACE));
        assert_eq!(PLACE.to_string(), "1:23");
        for wrong in ["", "1", ":", "1:", ":2", "-1:2", "1:+2", "1:2:3", "1:99999999999999999999"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_label_is_read_behind_whatever_the_sender_has_written() {
        let headers = labelled(&[("origin-topic", "somewhere"), ("error-class", "harmless")]);
        let label = Label::read(&headers).unwrap();
        assert_eq!(label.class, "malformed");
        assert_eq!(label.message, "no Avro");
        assert_eq!(label.origin.to_string(), "requested/3@45");
    }

    #[test]
    fn a_record_without_a_whole_label_is_no_letter() {
        let whole = labelled(&[]);
        for missing in 0..whole.len() {
            let mut headers = whole.clone();
            headers.remove(missing);
            assert_eq!(Label::read(&headers), None);
        }
        for class in ["", "../x", "UPPER", &"x".repeat(65)] {
            let mut headers = whole.clone();
            headers.push((headers::ERROR_CLASS, Some(class.as_bytes())));
            assert_eq!(Label::read(&headers), None, "{class}");
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
        let replayed = for_replay(&without_label(&labelled(&theirs)), PLACE);
        let names: Vec<_> = replayed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["from", "origin-topic", "traceparent", "abacus-replayed-from"]);
        assert_eq!(replayed[1].1, b"somewhere");
        assert_eq!(replayed[3].1, b"1:23");
    }
}
