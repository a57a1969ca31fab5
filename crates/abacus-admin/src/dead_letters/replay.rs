//! `abacus-admin dead-letters replay`: writes dead letters back to their original topics.
//!
//! **Invariant:** a transaction writes records and commits the progress of their dead letters
//! ([`super::progress`]). An interrupted replay therefore continues at the next start. Of two
//! simultaneous replays, the later one fences the earlier one.

mod batch;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use abacus_kafka::{InboundRecord, ScanStart, TransactionWriter};
use anyhow::bail;
use clap::Args;

use self::batch::Batch;
use self::target::Targets;
use super::class_counts::ClassCounts;
use super::headers::{DeadLetterId, Failure, is_class};
use super::progress::{GROUP, HandledOffsets, ReplayProgress, class_group};
use super::reader;
use crate::settings::Settings;

#[derive(Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Options {
    #[command(flatten)]
    which: Selection,
    /// Print the dead letters to replay, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Include dead letters that a replay has handled before
    #[arg(long)]
    again: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Selection {
    /// All dead letters
    #[arg(long)]
    all: bool,
    /// All dead letters of this class
    #[arg(long, value_parser = class)]
    class: Option<String>,
    /// Dead letters by id, as shown by `list`
    #[arg(value_name = "PARTITION:OFFSET")]
    ids: Vec<DeadLetterId>,
}

const HELP: &str = "\
A replay writes the key, the bytes and the headers of the original record to its topic and partition.
The headers added by the processor are left out, as are the headers of a reply (the caller has stopped
waiting) and the deadline (a past deadline would be answered `expired`). The header
abacus-replayed-from holds the id of the dead letter. If the record becomes a dead letter again, `list`
shows `back from` with this id.

The replay refuses a dead letter from a topic that is no request topic of this system. For a record too
large for the dead-letter topic, the dead letter holds only the origin: the replay reads the record
from there, and refuses the dead letter if the record was deleted.

Each dead letter is replayed once. Kafka stores the progress of --all and --class as offsets of the
consumer groups abacus-admin-dead-letter-replay and abacus-admin-dead-letter-replay-CLASS, together
with the dead letters that were replayed by id. Records and progress are written in one transaction:
an interrupted replay can be started again and replays no dead letter twice. Dead letters that --all
or --class have passed, including refused ones, are replayed again only with --again. Dead letters
written during a replay, including those of records in the replay, are left for the next replay.

The brokers delete these offsets offsets.retention.minutes (7 days by default) after the last replay,
and keep dead letters for about as long. --dry-run shows the dead letters that are left to replay.";

fn class(name: &str) -> Result<String, &'static str> {
    is_class(name).then(|| name.to_owned()).ok_or("expected a class as `list` shows it")
}

/// Decision about one dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Replay,
    Skip,
}

/// A running replay.
struct Replay<'a> {
    settings: &'a Settings,
    options: &'a Options,
    /// Consumer group with the progress of this replay.
    group: String,
    targets: Targets,
    progress: ReplayProgress,
    /// Partitions with progress since the last transaction.
    changed: BTreeSet<i32>,
    batch: Batch,
    writer: Option<TransactionWriter>,
    replayed: ClassCounts,
    left_out: ClassCounts,
    refused: ClassCounts,
}

pub(super) async fn run(options: &Options, settings: &Settings) -> anyhow::Result<()> {
    let targets = Targets::find(settings).await?;
    let mut replay = Replay::open(options, settings, targets)?;
    if options.which.ids.is_empty() {
        replay.replay_all()?;
    } else {
        replay.replay_named()?;
    }
    replay.write()?;
    replay.report()
}

impl<'a> Replay<'a> {
    /// Opens the transaction writer, which fences earlier replays. The progress is read
    /// afterwards, at its first use.
    fn open(
        options: &'a Options,
        settings: &'a Settings,
        targets: Targets,
    ) -> anyhow::Result<Self> {
        let topic = &settings.topics.dead_letter;
        let group = options.which.class.as_deref().map_or(GROUP.to_owned(), class_group);
        let open = || TransactionWriter::open(&settings.kafka, &group, topic);
        let writer = (!options.dry_run).then(open).transpose()?;
        Ok(Self {
            settings,
            options,
            group,
            progress: ReplayProgress::new(&settings.kafka, topic, targets.dead_letter_partitions()),
            targets,
            changed: BTreeSet::new(),
            batch: Batch::default(),
            writer,
            replayed: ClassCounts::default(),
            left_out: ClassCounts::default(),
            refused: ClassCounts::default(),
        })
    }

    fn replay_named(&mut self) -> anyhow::Result<()> {
        let (kafka, topic) = (&self.settings.kafka, &self.settings.topics.dead_letter);
        let ids: BTreeSet<DeadLetterId> = self.options.which.ids.iter().copied().collect();
        for id in ids {
            let at = (id.partition, id.offset);
            let decision = reader::read_record(kafka, topic, at, |record| self.decide(record))?;
            match decision.transpose()? {
                None => self.refuse(id, "unknown", "there is no such letter"),
                Some(Decision::Replay) => {
                    let mut handled = self.progress.of(&self.group, id.partition)?;
                    handled.individual.insert(id.offset);
                    self.set_handled(id.partition, handled)?;
                }
                Some(Decision::Skip) => {}
            }
        }
        Ok(())
    }

    fn replay_all(&mut self) -> anyhow::Result<()> {
        let scan = reader::scan(self.settings, &self.start()?)?;
        let ends = scan.ends().clone();
        scan.run(|record| {
            let is_wanted = |failure: &Failure| match &self.options.which.class {
                Some(class) => *class == failure.class,
                None => true,
            };
            let headers = record.headers().unwrap_or_default();
            if Failure::read(&headers).as_ref().is_none_or(is_wanted) {
                self.decide(record)?;
            }
            self.advance(record.partition(), record.offset() + 1)?;
            if self.batch.is_full() {
                self.write()?;
            }
            anyhow::Ok(ControlFlow::Continue(()))
        })?;
        ends.into_iter().try_for_each(|(partition, end)| self.advance(partition, end))
    }

    /// Returns the progress of earlier replays with this selection.
    fn start(&mut self) -> anyhow::Result<ScanStart> {
        if self.options.again {
            return Ok(ScanStart::Beginning);
        }
        let mut starts = BTreeMap::new();
        for partition in self.targets.dead_letter_partitions() {
            let all = self.progress.of(GROUP, partition)?.next;
            starts.insert(partition, all.max(self.progress.of(&self.group, partition)?.next));
        }
        Ok(ScanStart::Offsets(starts))
    }

    /// Adds a dead letter to the batch, or counts the reason against a replay.
    fn decide(&mut self, record: &InboundRecord<'_>) -> anyhow::Result<Decision> {
        let id = DeadLetterId { partition: record.partition(), offset: record.offset() };
        let Some(failure) = Failure::read(&record.headers().unwrap_or_default()) else {
            self.refuse(id, "foreign", "no processor has put it there");
            return Ok(Decision::Skip);
        };
        if !self.options.again && self.progress.is_handled(id, &failure.class)? {
            self.left_out.add(&failure.class);
            return Ok(Decision::Skip);
        }
        match self.targets.record(self.settings, record, id, &failure.origin)? {
            Ok(outbound) => {
                if self.options.dry_run {
                    println!("{id} {} -> {}", failure.class, failure.origin);
                }
                self.batch.push(id, failure.class, outbound);
                Ok(Decision::Replay)
            }
            Err(reason) => {
                self.refuse(id, &failure.class, &reason);
                Ok(Decision::Skip)
            }
        }
    }

    fn refuse(&mut self, id: DeadLetterId, class: &str, reason: &str) {
        eprintln!("{id} is refused: {reason}");
        self.refused.add(class);
    }

    fn advance(&mut self, partition: i32, next: i64) -> anyhow::Result<()> {
        let handled = self.progress.of(&self.group, partition)?.advanced_to(next);
        self.set_handled(partition, handled)
    }

    fn set_handled(&mut self, partition: i32, handled: HandledOffsets) -> anyhow::Result<()> {
        if handled != self.progress.of(&self.group, partition)? {
            self.progress.set(&self.group, partition, handled);
            self.changed.insert(partition);
        }
        Ok(())
    }

    /// Writes the batch and its progress.
    fn write(&mut self) -> anyhow::Result<()> {
        let mut progress = Vec::new();
        for partition in std::mem::take(&mut self.changed) {
            progress.push(self.progress.of(&self.group, partition)?.to_progress(partition)?);
        }
        if let Some(writer) = &mut self.writer
            && !(progress.is_empty() && self.batch.is_empty())
        {
            for (id, class, reason) in self.batch.write(writer, &progress)? {
                self.refuse(id, &class, &reason);
            }
        }
        self.batch.drain_classes().for_each(|class| self.replayed.add(&class));
        Ok(())
    }

    fn report(&self) -> anyhow::Result<()> {
        let replayed = if self.options.dry_run { "would replay" } else { "replayed" };
        println!("{replayed} {}", self.replayed);
        if self.left_out.total() > 0 {
            println!("left out {} (handled before; --again includes them)", self.left_out);
        }
        if self.refused.total() > 0 {
            bail!("refused {}", self.refused);
        }
        Ok(())
    }
}
