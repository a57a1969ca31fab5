//! Draining a backlog: the processor against a bare consume-transform-produce loop.
//!
//! The backlog is written once. Then every [`Contender`] drains it in every round, each time as a new
//! consumer group, and others wait meanwhile. A drain lasts from the moment the group's members have
//! their partitions to the last committed offset, both as the broker tells ([`crate::group`]); starting a
//! process is not part of it. After each drain the completions are read and held against results
//! worked out when the backlog was written ([`audit`]).

mod audit;
mod bare;
mod contender;
mod digest;
mod drain;
mod report;
mod requests;
mod rows;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use self::audit::Audit;
use self::contender::Contender;
use self::drain::Drain;
use self::report::Report;
use crate::codecs::Codecs;
use crate::findings::Findings as _;
use crate::processes::Processes;
use crate::topic_set::TopicSet;

pub(crate) use self::bare::run as bare;
pub(crate) use self::rows::{Options as RowOptions, run as rows};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many requests the backlog has
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1..))]
    requests: u64,
    /// How often each drains it; medians over the rounds are reported
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Partitions of the backlog
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    partitions: u32,
    /// How many processors drain it together, in turn
    #[arg(long, default_values_t = [1], value_delimiter = ',',
        value_parser = clap::value_parser!(u32).range(1..=64))]
    instances: Vec<u32>,
    /// Processes beside those that drain whose CPU time is reported: name=pid, separated by commas
    #[arg(long, env = "ABACUS_BENCH_PIDS", default_value = "")]
    pids: Processes,
    /// Where the system's programs are [default: where this program is]
    #[arg(long)]
    binaries: Option<PathBuf>,
    /// Print JSON, every single drain included, instead of tables
    #[arg(long)]
    json: bool,
}

/// Measures, prints what it found and removes what it made.
pub(crate) async fn run(bootstrap: &str, options: &Options) -> Result<()> {
    let set = TopicSet::create(bootstrap, options.binaries.as_deref(), options.partitions)?;
    let report = measure(&set, options).await;
    let deleted = set.delete().await;
    report?.print(options.json)?;
    deleted
}

async fn measure(set: &TopicSet, options: &Options) -> Result<Report> {
    let codecs = Codecs::look_up(&set.topics).await?;
    eprintln!("writing {} requests", options.requests);
    let backlog = requests::produce(set, &codecs.request_encoder, options.requests)?;
    let mut audit = Audit::open(set, codecs.completion_decoder, backlog.expected)?;
    let contenders = Contender::all(&options.instances, set)?;
    let mut drains = Vec::new();
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        for &contender in &contenders {
            let drain = drain::measure(set, contender, round, options.requests, &options.pids);
            let drain = drain.with_context(|| contender.to_string())?;
            show(&drain);
            audit.check().with_context(|| contender.to_string())?;
            drains.push(drain);
        }
    }
    Ok(Report::new(drains, backlog.mean_bytes, audit.mean_bytes()))
}

fn show(drain: &Drain) {
    let Drain { contender, rate, own_micros, peak_bytes, .. } = drain;
    let mebibytes = peak_bytes >> 20;
    eprintln!("  {contender:<28}  {rate:>9.0}/s  {own_micros:>5.1} us  {mebibytes:>5} MiB");
}
