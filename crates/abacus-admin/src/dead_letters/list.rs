//! `abacus-admin dead-letters list`.
//!
//! The whole topic is counted, only the newest letters are kept: memory does not grow with the
//! number of letters.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::ops::ControlFlow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use abacus_kafka::{InboundRecord, ScanStart, TopicScan};
use abacus_schemas::headers;
use clap::Args;
use serde_json::{Value, json};

use super::CLIENT;
use super::label::{Label, Place, text};
use super::marks::Marks;
use super::report::Tally;
use super::table::{shortened, table};
use crate::Settings;

/// How much of an error message a line of the table, and a value in JSON, have room for.
const LINE_CHARS: usize = 70;
const VALUE_CHARS: usize = 2000;
/// The class of records that are in the topic and that no processor has put there.
const FOREIGN: &str = "foreign";

#[derive(Args)]
pub(crate) struct Options {
    /// Shows this many letters, the newest; all are counted.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Only letters of this class: malformed, unknown-schema, invalid-request-id.
    #[arg(long)]
    class: Option<String>,
    /// Only letters written since then: 2026-01-31T12:00:00Z, or a time back from now such as 2h.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<SystemTime>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

fn since(text: &str) -> Result<SystemTime, String> {
    if let Ok(time) = humantime::parse_rfc3339_weak(text) {
        return Ok(time);
    }
    let back = humantime::parse_duration(text).ok();
    back.and_then(|back| SystemTime::now().checked_sub(back))
        .ok_or_else(|| "expected a time such as 2026-01-31T12:00:00Z, or 2h".to_owned())
}

/// What is shown of a letter.
struct Row {
    place: Place,
    written_ms: i64,
    label: Option<Label>,
    replayed_from: Option<String>,
    bytes: usize,
    is_handled: bool,
}

/// What was seen of the topic.
#[derive(Default)]
struct Overview {
    newest: BTreeMap<(i64, Place), Row>,
    all: Tally,
    handled: Tally,
}

pub(super) fn run(options: &Options, settings: &Settings) -> anyhow::Result<()> {
    let topic = &settings.topics.dead_letter;
    let since_ms = options.since.map(millis);
    let start = since_ms.map_or(ScanStart::Beginning, ScanStart::Time);
    let scan = TopicScan::open(&settings.kafka, CLIENT, topic, &start)?;
    let mut marks = Marks::new(&settings.kafka, topic, scan.ends().keys().copied().collect());
    let mut overview = Overview::default();
    scan.run(|record| {
        let row = Row::read(record, &mut marks)?;
        let is_young = since_ms.is_none_or(|since| row.written_ms >= since);
        if is_young && options.class.as_deref().is_none_or(|class| class == row.class()) {
            overview.add(row, options.limit);
        }
        anyhow::Ok(ControlFlow::Continue(()))
    })?;
    print(&if options.json { overview.to_json() } else { overview.to_text() })
}

/// A reader who has seen enough, such as `head`, is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn time(millis: i64) -> String {
    let since = Duration::from_millis(u64::try_from(millis).unwrap_or_default());
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string()
}

impl Row {
    fn read(record: &InboundRecord<'_>, marks: &mut Marks) -> anyhow::Result<Self> {
        let headers = record.headers().unwrap_or_default();
        let place = Place { partition: record.partition(), offset: record.offset() };
        let label = Label::read(&headers);
        let class = label.as_ref().map(|label| label.class.as_str());
        Ok(Self {
            place,
            written_ms: record.timestamp_ms().unwrap_or_default(),
            is_handled: class.map_or(Ok(false), |class| marks.cover(place, class))?,
            label: label
                .map(|label| Label { message: shortened(&label.message, VALUE_CHARS), ..label }),
            replayed_from: text(&headers, headers::REPLAYED_FROM).map(|from| shortened(from, 40)),
            bytes: record.payload().len(),
        })
    }

    fn class(&self) -> &str {
        self.label.as_ref().map_or(FOREIGN, |label| &label.class)
    }

    fn state(&self) -> String {
        match &self.replayed_from {
            _ if self.is_handled => "handled".to_owned(),
            Some(from) => format!("back from {from}"),
            None => "new".to_owned(),
        }
    }

    fn cells(&self) -> [String; 7] {
        let label = self.label.as_ref();
        [
            self.place.to_string(),
            time(self.written_ms),
            self.class().to_owned(),
            self.state(),
            self.bytes.to_string(),
            label.map_or("-".to_owned(), |label| shortened(&label.origin.to_string(), 80)),
            label.map_or(String::new(), |label| shortened(&label.message, LINE_CHARS)),
        ]
    }

    fn to_json(&self) -> Value {
        let label = self.label.as_ref();
        json!({
            "partition": self.place.partition,
            "offset": self.place.offset,
            "time": time(self.written_ms),
            "class": self.class(),
            "message": label.map(|label| &label.message),
            "origin": label.map(|label| json!({
                "topic": label.origin.topic,
                "partition": label.origin.partition,
                "offset": label.origin.offset,
            })),
            "bytes": self.bytes,
            "handled": self.is_handled,
            "replayed_from": self.replayed_from,
        })
    }
}

impl Overview {
    fn add(&mut self, row: Row, limit: usize) {
        self.all.add(row.class());
        if row.is_handled {
            self.handled.add(row.class());
        }
        self.newest.insert((row.written_ms, row.place), row);
        if self.newest.len() > limit {
            self.newest.pop_first();
        }
    }

    fn to_text(&self) -> String {
        if self.all.total() == 0 {
            return "no dead letters\n".to_owned();
        }
        let heading = ["LETTER", "TIME", "CLASS", "STATE", "BYTES", "FROM", "WHY"];
        let rows: Vec<_> = self.newest.values().map(Row::cells).collect();
        let left_out = self.all.total() - rows.len() as u64;
        let more = if left_out > 0 { format!("({left_out} older)\n") } else { String::new() };
        let classes: Vec<_> = self
            .all
            .classes()
            .map(|(class, count)| {
                [class.to_owned(), count.to_string(), self.handled.of(class).to_string()]
            })
            .collect();
        let totals = table(["CLASS", "LETTERS", "HANDLED"], &classes);
        format!("{more}{}\n{totals}", table(heading, &rows))
    }

    fn to_json(&self) -> String {
        let class = |(class, count): (&str, u64)| {
            (class.to_owned(), json!({ "letters": count, "handled": self.handled.of(class) }))
        };
        let classes: serde_json::Map<_, _> = self.all.classes().map(class).collect();
        let letters: Vec<_> = self.newest.values().map(Row::to_json).collect();
        format!("{:#}\n", json!({ "letters": letters, "classes": classes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(offset: i64, class: &str) -> Row {
        let origin =
            super::super::label::Origin { topic: "requested".to_owned(), partition: 1, offset: 2 };
        Row {
            place: Place { partition: 0, offset },
            written_ms: 1_700_000_000_000 + offset,
            label: Some(Label { class: class.to_owned(), message: "why".to_owned(), origin }),
            replayed_from: (offset == 3).then(|| "0:1".to_owned()),
            bytes: 10,
            is_handled: offset == 1,
        }
    }

    fn overview(limit: usize) -> Overview {
        let mut overview = Overview::default();
        for (offset, class) in [(1, "malformed"), (3, "malformed"), (2, "unknown-schema")] {
            overview.add(row(offset, class), limit);
        }
        overview
    }

    #[test]
    fn the_newest_are_shown_and_all_are_counted() {
        assert_eq!(
            overview(2).to_text(),
            "(1 older)
LETTER  TIME                  CLASS           STATE          BYTES  FROM           WHY
0:2     2023-11-14T22:13:20Z  unknown-schema  new            10     requested/1@2  why
0:3     2023-11-14T22:13:20Z  malformed       back from 0:1  10     requested/1@2  why

CLASS           LETTERS  HANDLED
malformed       2        1
unknown-schema  1        0
"
        );
    }

    #[test]
    fn json_says_the_same() {
        let json: Value = serde_json::from_str(&overview(1).to_json()).unwrap();
        assert_eq!(json["letters"].as_array().unwrap().len(), 1);
        assert_eq!(json["letters"][0]["replayed_from"], "0:1");
        assert_eq!(json["letters"][0]["origin"]["topic"], "requested");
        assert_eq!(json["classes"]["malformed"], json!({ "letters": 2, "handled": 1 }));
    }

    #[test]
    fn a_time_is_a_date_or_a_while_ago() {
        let at = |text| millis(since(text).unwrap());
        assert_eq!(at("2023-11-14T22:13:20Z"), 1_700_000_000_000);
        assert_eq!(at("2023-11-14 22:13:20"), 1_700_000_000_000);
        let hour = Duration::from_hours(1);
        assert!(since("1h").unwrap().elapsed().unwrap() >= hour);
        assert!(since("yesterday").is_err());
    }
}
