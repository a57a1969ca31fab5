//! Light requests beside heavy ones: what a caller with a small question notices of somebody's large one.
//!
//! Light requests come at a steady rate, whatever becomes of them, and spread over all partitions; a
//! latency counts from the moment at which its request was to be sent ([`light`]). Rounds without and
//! with one long computation in every partition alternate ([`stalls`]). Every light request must be
//! answered, and every heavy one completed with its right result.

mod light;
mod stalls;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use self::light::Light;
use self::stalls::Stalls;
use crate::beside::{Comparison, Round, Subject};
use crate::child::{Running, wait};
use crate::codecs::Codecs;
use crate::findings::Findings as _;
use crate::group::Group;
use crate::processor;
use crate::topic_set::TopicSet;

const GROUP: &str = "bench-heavy";
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(20);
/// Light requests before any that count: connections open, the broker compiles its hot paths.
const WARM_UP: u32 = 3_000;

const SUBJECT: Subject = Subject {
    measured: "light requests",
    without: "without heavy ones",
    with: "with heavy ones",
    demand: "light p99 beside heavy requests over light p99 without, at most",
};

/// What became of the heavy requests of a round.
#[derive(Debug, Serialize)]
struct Stalled {
    /// From asking for them to the last one's completion.
    completed_seconds: f64,
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many light requests a round has
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
    /// Light requests a second
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// How long each heavy computation takes, in milliseconds
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    stall: u64,
    /// How often both are measured; medians over the rounds are reported
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Partitions of the requests
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    partitions: u32,
    /// Where the system's programs are, the processor with its test operations [default: where this
    /// program is]
    #[arg(long)]
    binaries: Option<PathBuf>,
    /// Print JSON, every single round included, instead of tables
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

async fn measure(set: &TopicSet, options: &Options) -> Result<Comparison<Stalled>> {
    let codecs = Codecs::look_up(&set.topics).await?;
    let mut processor = [processor::start(set, GROUP, 1, &[])?];
    let group = Group::new(set, GROUP, &[&set.topics.requested])?;
    wait(LOOK, PATIENCE, &mut processor, || group.has_begun(1)).context("the processor")?;
    let mut light = Light::connect(set, &codecs, options.rate)?;
    let mut stalls = Stalls::connect(set, &codecs, options.stall)?;
    eprintln!("warming up");
    light.measure(WARM_UP)?;
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        eprintln!("round {number} of {}", options.rounds);
        let round = measure_round(&mut light, &mut stalls, options.requests);
        rounds.push(round.with_context(|| format!("round {number}"))?);
        processor.iter_mut().try_for_each(Running::check)?;
    }
    processor.into_iter().try_for_each(Running::stop)?;
    Ok(Comparison::new(SUBJECT, rounds))
}

fn measure_round(
    light: &mut Light<'_>,
    stalls: &mut Stalls<'_>,
    requests: u32,
) -> Result<Round<Stalled>> {
    let without = light.measure(requests)?;
    stalls.ask()?;
    let with = light.measure(requests)?;
    let completed_seconds = stalls.await_all()?.as_secs_f64();
    eprintln!("  the last heavy one was completed after {completed_seconds:.1} s");
    Ok(Round::new(without, with, Stalled { completed_seconds }))
}
