//! Light requests beside heavy ones: the effect of one caller's large computation on another
//! caller's small ones.
//!
//! Light requests are sent at a steady rate over all partitions, regardless of their replies. A
//! latency counts from the scheduled time of its request ([`Light`]). Rounds without and with one
//! long computation in every partition alternate ([`stalls`]). Every light request must be
//! answered, and every heavy one must complete with the right result.

mod stalls;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use self::stalls::Stalls;
use crate::child::{Running, wait};
use crate::codecs::Codecs;
use crate::comparison::{Comparison, Round, Subject};
use crate::findings::Findings as _;
use crate::group::Group;
use crate::light::Light;
use crate::processor;
use crate::topic_set::TopicSet;

const GROUP: &str = "bench-heavy";
const PATIENCE: Duration = Duration::from_mins(1);
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
/// Number of uncounted light requests at the start: connections open, and the broker compiles its
/// hot paths.
const WARM_UP: u32 = 3_000;

const SUBJECT: Subject = Subject {
    measured: "light requests",
    without: "without heavy ones",
    with: "with heavy ones",
    demand: "light p99 beside heavy requests over light p99 without, at most",
};

/// Outcome of the heavy requests of a round.
#[derive(Debug, Serialize)]
struct Stalled {
    /// Time from sending the heavy requests to the last completion.
    completed_seconds: f64,
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Number of light requests in a round
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
    /// Light requests per second
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Duration of each heavy computation, in milliseconds
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    stall: u64,
    /// Number of rounds; the report shows medians over the rounds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Number of partitions of the requests
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    partitions: u32,
    /// Folder of the system's programs, with a processor that has the test operations [default: the
    /// folder of this program]
    #[arg(long)]
    binaries: Option<PathBuf>,
    /// Print JSON with every single round instead of tables
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

async fn measure(set: &TopicSet, options: &Options) -> Result<Comparison<Stalled>> {
    let codecs = Codecs::look_up(&set.topics).await?;
    let mut processor = [processor::start(set, GROUP, 1, &[])?];
    let group = Group::new(set, GROUP, &[&set.topics.requested])?;
    wait(CHECK_INTERVAL, PATIENCE, &mut processor, || group.has_begun(1))
        .context("the processor")?;
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
    let without = light.measure(requests)?.percentiles;
    stalls.ask()?;
    let with = light.measure(requests)?.percentiles;
    let completed_seconds = stalls.await_all()?.as_secs_f64();
    eprintln!("  the last heavy one was completed after {completed_seconds:.1} s");
    Ok(Round::new(without, with, Stalled { completed_seconds }))
}
