//! `abacus-admin dead-letters list`: shows the newest dead letters, with counts for each class.
//!
//! The command counts the whole topic and keeps only the newest dead letters, so memory does not
//! grow with the topic.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::ops::ControlFlow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use abacus_kafka::{InboundRecord, ScanStart};
use abacus_schemas::headers;
use clap::Args;
use serde_json::{Value, json};

use super::class_counts::ClassCounts;
use super::headers::{DeadLetterId, Failure, text};
use super::progress::ReplayProgress;
use super::reader;
use super::table::{shortened, table};
use crate::settings::Settings;

/// Longest error message in a line of the table, in characters.
const LINE_CHARS: usize = 70;
/// Longest error message in JSON, in characters.
const VALUE_CHARS: usize = 2000;
/// Class of records in the topic that no processor wrote.
const FOREIGN: &str = "foreign";

#[derive(Args)]
pub(crate) struct Options {
    /// Largest number of dead letters to show, the newest; all are counted
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Only dead letters of this class: malformed, unknown-schema, invalid-request-id,
    /// unreadable-batch
    #[arg(long)]
    class: Option<String>,
    /// Only dead letters since this time: 2026-01-31T12:00:00Z, or a duration before now, for
    /// example 2h
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<SystemTime>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn since(text: &str) -> Result<SystemTime, String> {
    if let Ok(time) = humantime::parse_rfc3339_weak(text) {
        return Ok(time);
    }
    let back = humantime::parse_duration(text).ok();
    back.and_then(|back| SystemTime::now().checked_sub(back))
        .ok_or_else(|| "expected a time, for example 2026-01-31T12:00:00Z or 2h".to_owned())
}

/// A dead letter in the output.
struct Row {
    id: DeadLetterId,
    written_ms: i64,
    failure: Option<Failure>,
    replayed_from: Option<String>,
    bytes: usize,
    is_handled: bool,
}

/// Counts of all dead letters, and the newest ones.
#[derive(Default)]
struct Overview {
    newest: BTreeMap<(i64, DeadLetterId), Row>,
    all: ClassCounts,
    handled: ClassCounts,
}

pub(super) fn run(options: &Options, settings: &Settings) -> anyhow::Result<()> {
    let topic = &settings.topics.dead_letter;
    let since_ms = options.since.map(millis);
    let start = since_ms.map_or(ScanStart::Beginning, ScanStart::Time);
    let scan = reader::scan(settings, &start)?;
    let mut progress =
        ReplayProgress::new(&settings.kafka, topic, scan.ends().keys().copied().collect());
    let mut overview = Overview::default();
    scan.run(|record| {
        let row = Row::read(record, &mut progress)?;
        let is_young = since_ms.is_none_or(|since| row.written_ms >= since);
        if is_young && options.class.as_deref().is_none_or(|class| class == row.class()) {
            overview.add(row, options.limit);
        }
        anyhow::Ok(ControlFlow::Continue(()))
    })?;
    print(&if options.json { overview.to_json() } else { overview.to_text() })
}

/// Prints the text. A closed pipe is no error: the reader, for example `head`, has stopped
/// reading.
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
    fn read(record: &InboundRecord<'_>, progress: &mut ReplayProgress) -> anyhow::Result<Self> {
        let headers = record.headers().unwrap_or_default();
        let id = DeadLetterId { partition: record.partition(), offset: record.offset() };
        let failure = Failure::read(&headers);
        let class = failure.as_ref().map(|failure| failure.class.as_str());
        Ok(Self {
            id,
            written_ms: record.timestamp_ms().unwrap_or_default(),
            is_handled: class.map_or(Ok(false), |class| progress.is_handled(id, class))?,
            failure: failure.map(|failure| Failure {
                message: shortened(&failure.message, VALUE_CHARS),
                ..failure
            }),
            replayed_from: text(&headers, headers::REPLAYED_FROM).map(|from| shortened(from, 40)),
            bytes: record.payload().len(),
        })
    }

    fn class(&self) -> &str {
        self.failure.as_ref().map_or(FOREIGN, |failure| &failure.class)
    }

    fn state(&self) -> String {
        match &self.replayed_from {
            _ if self.is_handled => "handled".to_owned(),
            Some(from) => format!("back from {from}"),
            None => "new".to_owned(),
        }
    }

    fn cells(&self) -> [String; 7] {
        let failure = self.failure.as_ref();
        [
            self.id.to_string(),
            time(self.written_ms),
            self.class().to_owned(),
            self.state(),
            self.bytes.to_string(),
            failure.map_or("-".to_owned(), |failure| shortened(&failure.origin.to_string(), 80)),
            failure.map_or(String::new(), |failure| shortened(&failure.message, LINE_CHARS)),
        ]
    }

    fn to_json(&self) -> Value {
        let failure = self.failure.as_ref();
        json!({
            "partition": self.id.partition,
            "offset": self.id.offset,
            "time": time(self.written_ms),
            "class": self.class(),
            "message": failure.map(|failure| &failure.message),
            "origin": failure.map(|failure| json!({
                "topic": failure.origin.topic,
                "partition": failure.origin.partition,
                "offset": failure.origin.offset,
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
        self.newest.insert((row.written_ms, row.id), row);
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
    use crate::dead_letters::headers::Origin;

    fn row(offset: i64, class: &str) -> Row {
        let origin = Origin { topic: "requested".to_owned(), partition: 1, offset: 2 };
        Row {
            id: DeadLetterId { partition: 0, offset },
            written_ms: 1_700_000_000_000 + offset,
            failure: Some(Failure { class: class.to_owned(), message: "why".to_owned(), origin }),
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
