//! The rows of a backlog: the speed of the projector in writing requests and completions into
//! Postgres.
//!
//! Each round writes a new backlog and lets a processor complete it, and then starts the projector.
//! The round ends when the projector's group has committed the ends of both topics. The projector
//! commits after each of its database transactions.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;

use super::contender::{Contender, Delivery};
use super::{drain, requests};
use crate::child::{Running, wait};
use crate::codecs::Codecs;
use crate::group::Group;
use crate::measurement::{count, median};
use crate::processes::Processes;
use crate::topic_set::TopicSet;

const GROUP: &str = "bench-rows";
const CHECK_INTERVAL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_mins(5);
const ONE_PROCESSOR: Contender =
    Contender::Processors { instances: 1, delivery: Delivery::ExactlyOnce };

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Number of requests in the backlog; each makes two rows
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..))]
    requests: u64,
    /// Number of rounds; the report shows medians over the rounds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Number of partitions of both topics
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    partitions: u32,
    /// Folder of the system's programs [default: the folder of this program]
    #[arg(long)]
    binaries: Option<PathBuf>,
}

/// The figures of one round.
struct Round {
    requests_a_second: f64,
    cpu_micros: f64,
}

/// Measures, prints the findings, and deletes the topics. Rows stay in the database.
pub(crate) async fn run(bootstrap: &str, options: &Options) -> Result<()> {
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        eprintln!("round {number} of {}", options.rounds);
        let set = TopicSet::create(bootstrap, options.binaries.as_deref(), options.partitions)?;
        let round = measure(&set, options.requests).await;
        set.delete().await?;
        rounds.push(show(round?));
    }
    let rate = median(rounds.iter().map(|round| round.requests_a_second));
    let micros = median(rounds.iter().map(|round| round.cpu_micros));
    println!(
        "\nthe projector writes the rows of {rate:.0} requests per second ({:.0} rows) and uses \
         {micros:.1} us of CPU time per request",
        2.0 * rate
    );
    Ok(())
}

async fn measure(set: &TopicSet, requests: u64) -> Result<Round> {
    set.run("abacus-migrate", &[])?;
    let codecs = Codecs::look_up(&set.topics).await?;
    requests::produce(set, &codecs.request_encoder, requests)?;
    drain::measure(set, ONE_PROCESSOR, 1, requests, &Processes::default())?;
    project(set, requests)
}

fn project(set: &TopicSet, requests: u64) -> Result<Round> {
    let group = Group::new(set, GROUP, &[&set.topics.requested, &set.topics.completed])?;
    // The marker of a transaction follows the last completion of a partition.
    let end = group.end()? - u64::from(set.partitions);
    let mut running = [projector(set)?];
    let processes: Processes = running[0].pair().parse().map_err(anyhow::Error::msg)?;
    wait(CHECK_INTERVAL, PATIENCE, &mut running, || group.has_begun(1)).context("the projector")?;
    let (began, before) = (Instant::now(), processes.cpu_times()?);
    wait(CHECK_INTERVAL, PATIENCE, &mut running, || Ok(group.committed()? >= end))
        .context("the projector")?;
    let took = began.elapsed().as_secs_f64();
    let spent: Duration = processes.cpu_times()?.since(&before).into_values().sum();
    running.into_iter().try_for_each(Running::stop)?;
    Ok(Round {
        requests_a_second: count(requests) / took,
        cpu_micros: spent.as_secs_f64() * 1e6 / count(requests),
    })
}

fn projector(set: &TopicSet) -> Result<Running> {
    let mut projector = set.program("abacus-projector");
    projector
        .env("ABACUS_PROJECTOR_GROUP", GROUP)
        .env("ABACUS_ADMIN_LISTEN", "127.0.0.1:0")
        .env("ABACUS_LOG", "warn");
    Running::start("projector", projector)
}

fn show(round: Round) -> Round {
    eprintln!("  {:>9.0} requests/s  {:>5.1} us", round.requests_a_second, round.cpu_micros);
    round
}
