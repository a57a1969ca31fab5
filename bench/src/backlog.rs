//! Draining a backlog: the processor against a bare consume-transform-produce loop.
//!
//! The backlog is written once. In every round, each [`Contender`] drains it as a new consumer
//! group, one contender at a time. A drain lasts from the assignment of partitions to all members
//! until the last committed offset, both as seen by the broker ([`crate::group`]). The start of a
//! process does not count. After each drain, the completions are compared with results computed
//! when the backlog was written ([`audit`]).

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
    /// Number of requests in the backlog
    #[arg(long, default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1..))]
    requests: u64,
    /// Number of rounds; the report shows medians over the rounds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Number of partitions of the backlog
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    partitions: u32,
    /// Numbers of processors draining together, measured in turn
    #[arg(long, default_values_t = [1], value_delimiter = ',',
        value_parser = clap::value_parser!(u32).range(1..=64))]
    instances: Vec<u32>,
    /// Other processes to report the CPU time of: name=pid, separated by commas
    #[arg(long, env = "ABACUS_BENCH_PIDS", default_value = "")]
    pids: Processes,
    /// Folder of the system's programs [default: the folder of this program]
    #[arg(long)]
    binaries: Option<PathBuf>,
    /// Print JSON with every single drain instead of tables
    #[arg(long)]
    json: bool,
}

/// Measures, prints the findings, and deletes the topics.
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
