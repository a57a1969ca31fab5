//! `abacus-admin dead-letters replay`.
//!
//! **Invariant:** records are written in the transaction that marks their letters as handled
//! ([`super::marks`]), so a replay that was interrupted goes on where it stopped when it is
//! started again, and of two at the same time the later one goes on alone.

mod batch;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use abacus_kafka::{InboundRecord, ScanStart, TopicScan, TransactionWriter, read_record};
use anyhow::bail;
use clap::Args;

use self::batch::Batch;
use self::target::Targets;
use super::CLIENT;
use super::label::{Label, Place, is_class};
use super::marks::{GROUP, Mark, Marks, group_of};
use super::report::Tally;
use crate::Settings;

#[derive(Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Options {
    #[command(flatten)]
    which: Which,
    /// Says what would be written, and writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Takes letters along that a replay has handled before.
    #[arg(long)]
    again: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Every letter.
    #[arg(long)]
    all: bool,
    /// Every letter of this class.
    #[arg(long, value_parser = class)]
    class: Option<String>,
    /// These letters, as `list` names them.
    #[arg(value_name = "PARTITION:OFFSET")]
    letters: Vec<Place>,
}

const HELP: &str = "\
What is written: key, bytes and headers as they were, to the topic and partition that they came from.
Left out are the headers that the processor has added, those of a reply (nobody waits for it any more)
and the deadline (one that is over would be answered `expired`). The header abacus-replayed-from
names the letter; if the record is put aside again, `list` shows it as `back from` that letter.

A letter from a topic that is none of this system's topics of requests is refused. Of a record that
was too large for the dead-letter topic only its place was kept: it is read again from there, or
refused if it is no longer there.

Each letter is replayed once. How far --all and --class have come is kept by Kafka as the offsets of
the consumer groups abacus-admin-dead-letter-replay and abacus-admin-dead-letter-replay-CLASS, and
letters named one by one are noted there too. It is committed with the records, as one transaction:
a replay that was interrupted can be started again, and does no letter twice. What --all and --class
have passed, letters that they refused included, is taken up only with --again. Letters that come
while a replay runs are left to the next one, also those that it brings back itself.

The brokers forget these offsets offsets.retention.minutes (7 days by default) after the last
replay, and letters are kept for about as long: --dry-run shows what is left to be replayed.";

fn class(name: &str) -> Result<String, &'static str> {
    is_class(name).then(|| name.to_owned()).ok_or("expected a class as `list` shows it")
}

/// Whether a letter is going to be written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    IntoBatch,
    Not,
}

/// Writes letters again.
struct Replay<'a> {
    settings: &'a Settings,
    options: &'a Options,
    /// Whose offsets say how far this replay has come.
    group: String,
    targets: Targets,
    marks: Marks,
    /// Partitions of which something was handled since the last transaction.
    moved: BTreeSet<i32>,
    batch: Batch,
    writer: Option<TransactionWriter>,
    replayed: Tally,
    left_out: Tally,
    refused: Tally,
}

pub(super) async fn run(options: &Options, settings: &Settings) -> anyhow::Result<()> {
    let targets = Targets::find(settings).await?;
    let mut replay = Replay::open(options, settings, targets)?;
    if options.which.letters.is_empty() {
        replay.take_all()?;
    } else {
        replay.take_named()?;
    }
    replay.write()?;
    replay.report()
}

impl<'a> Replay<'a> {
    /// Keeps other replays from writing, and only then asks how far they have come.
    fn open(
        options: &'a Options,
        settings: &'a Settings,
        targets: Targets,
    ) -> anyhow::Result<Self> {
        let topic = &settings.topics.dead_letter;
        let group = options.which.class.as_deref().map_or(GROUP.to_owned(), group_of);
        let open = || TransactionWriter::open(&settings.kafka, &group, topic);
        let writer = (!options.dry_run).then(open).transpose()?;
        Ok(Self {
            settings,
            options,
            group,
            marks: Marks::new(&settings.kafka, topic, targets.letter_partitions()),
            targets,
            moved: BTreeSet::new(),
            batch: Batch::default(),
            writer,
            replayed: Tally::default(),
            left_out: Tally::default(),
            refused: Tally::default(),
        })
    }

    fn take_named(&mut self) -> anyhow::Result<()> {
        let (kafka, topic) = (&self.settings.kafka, &self.settings.topics.dead_letter);
        let letters: BTreeSet<Place> = self.options.which.letters.iter().copied().collect();
        for place in letters {
            let at = (place.partition, place.offset);
            let taken = read_record(kafka, CLIENT, topic, at, |record| self.take(record))?;
            match taken.transpose()? {
                None => self.refuse(place, "unknown", "there is no such letter"),
                Some(Taken::IntoBatch) => {
                    let mut mark = self.marks.of(&self.group, place.partition)?;
                    mark.singles.insert(place.offset);
                    self.set_mark(place.partition, mark)?;
                }
                Some(Taken::Not) => {}
            }
        }
        Ok(())
    }

    fn take_all(&mut self) -> anyhow::Result<()> {
        let (kafka, topic) = (&self.settings.kafka, &self.settings.topics.dead_letter);
        let scan = TopicScan::open(kafka, CLIENT, topic, &self.start()?)?;
        let ends = scan.ends().clone();
        scan.run(|record| {
            let is_wanted = |label: &Label| match &self.options.which.class {
                Some(class) => *class == label.class,
                None => true,
            };
            let headers = record.headers().unwrap_or_default();
            if Label::read(&headers).as_ref().is_none_or(is_wanted) {
                self.take(record)?;
            }
            self.reach(record.partition(), record.offset() + 1)?;
            if self.batch.is_full() {
                self.write()?;
            }
            anyhow::Ok(ControlFlow::Continue(()))
        })?;
        ends.into_iter().try_for_each(|(partition, end)| self.reach(partition, end))
    }

    /// Where the last replay of the same has stopped.
    fn start(&mut self) -> anyhow::Result<ScanStart> {
        if self.options.again {
            return Ok(ScanStart::Beginning);
        }
        let mut starts = BTreeMap::new();
        for partition in self.targets.letter_partitions() {
            let all = self.marks.of(GROUP, partition)?.next;
            starts.insert(partition, all.max(self.marks.of(&self.group, partition)?.next));
        }
        Ok(ScanStart::Offsets(starts))
    }

    /// Decides on one letter.
    fn take(&mut self, record: &InboundRecord<'_>) -> anyhow::Result<Taken> {
        let place = Place { partition: record.partition(), offset: record.offset() };
        let Some(label) = Label::read(&record.headers().unwrap_or_default()) else {
            self.refuse(place, "foreign", "no processor has put it there");
            return Ok(Taken::Not);
        };
        if !self.options.again && self.marks.cover(place, &label.class)? {
            self.left_out.add(&label.class);
            return Ok(Taken::Not);
        }
        match self.targets.record(self.settings, record, place, &label.origin)? {
            Ok(outbound) => {
                if self.options.dry_run {
                    println!("{place} {} -> {}", label.class, label.origin);
                }
                self.batch.push(place, label.class, outbound);
                Ok(Taken::IntoBatch)
            }
            Err(reason) => {
                self.refuse(place, &label.class, &reason);
                Ok(Taken::Not)
            }
        }
    }

    fn refuse(&mut self, place: Place, class: &str, reason: &str) {
        eprintln!("{place} is refused: {reason}");
        self.refused.add(class);
    }

    fn reach(&mut self, partition: i32, next: i64) -> anyhow::Result<()> {
        let mark = self.marks.of(&self.group, partition)?.up_to(next);
        self.set_mark(partition, mark)
    }

    fn set_mark(&mut self, partition: i32, mark: Mark) -> anyhow::Result<()> {
        if mark != self.marks.of(&self.group, partition)? {
            self.marks.set(&self.group, partition, mark);
            self.moved.insert(partition);
        }
        Ok(())
    }

    /// Writes what was taken, and how far that is.
    fn write(&mut self) -> anyhow::Result<()> {
        let mut progress = Vec::new();
        for partition in std::mem::take(&mut self.moved) {
            progress.push(self.marks.of(&self.group, partition)?.to_progress(partition)?);
        }
        if let Some(writer) = &self.writer
            && !(progress.is_empty() && self.batch.is_empty())
        {
            for (place, class, reason) in self.batch.write(writer, &progress)? {
                self.refuse(place, &class, &reason);
            }
        }
        self.batch.drain_classes().for_each(|class| self.replayed.add(&class));
        Ok(())
    }

    fn report(&self) -> anyhow::Result<()> {
        let replayed = if self.options.dry_run { "would replay" } else { "replayed" };
        println!("{replayed} {}", self.replayed);
        if self.left_out.total() > 0 {
            println!("left out {} (handled before; --again takes them along)", self.left_out);
        }
        if self.refused.total() > 0 {
            bail!("refused {}", self.refused);
        }
        Ok(())
    }
}
