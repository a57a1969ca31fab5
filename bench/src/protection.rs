//! The latency of one caller alone, and beside a flood and slow connections of another caller.
//!
//! The measured caller sends requests at a steady rate, regardless of the answers ([`caller`]).
//! Every answer must be 200. Rounds without and with the attack ([`attack`]) alternate. The attack
//! is a flood far beyond the quota of the attacker, and connections whose request heads never end.
//! This program acts as a trusted proxy for both callers, so the ingress distinguishes the callers
//! by the forwarded addresses.

mod attack;
mod caller;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::attack::{Attack, Outcome};
use crate::child::{Running, wait};
use crate::comparison::{Comparison, Round, Subject};
use crate::findings::Findings as _;
use crate::group::Group;
use crate::processor;
use crate::topic_set::TopicSet;

const GROUP: &str = "bench-protection";
const PARTITIONS: u32 = 4;
const PATIENCE: Duration = Duration::from_mins(1);
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// Number of requests in an uncounted first round, in which the broker compiles its hot paths under
/// the flood.
const WARM_UP: u32 = 3_000;

const SUBJECT: Subject = Subject {
    measured: "another caller",
    without: "without the attack",
    with: "with the attack",
    demand: "a caller's p99 beside a flood and slow connections over its p99 without, at most",
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Number of requests of the measured caller in a round, sent once without and once with the
    /// attack
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
    /// Requests per second of the measured caller
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Requests per second of the flood
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    flood: u32,
    /// Quota of each caller, in requests per second; by default the measured caller uses all of it,
    /// and the flood sends ten times as much
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    quota: u32,
    /// Number of connections whose request heads never end
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    slow: u32,
    /// Number of rounds; the report shows medians over the rounds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Folder of the system's programs [default: the folder of this program]
    #[arg(long)]
    binaries: Option<PathBuf>,
    /// Print JSON with every single round instead of tables
    #[arg(long)]
    json: bool,
}

/// Measures, prints the findings, and deletes the topics.
pub(crate) async fn run(bootstrap: &str, options: &Options) -> Result<()> {
    let set = TopicSet::create(bootstrap, options.binaries.as_deref(), PARTITIONS)?;
    let report = measure(&set, options).await;
    let deleted = set.delete().await;
    report?.print(options.json)?;
    deleted
}

async fn measure(set: &TopicSet, options: &Options) -> Result<Comparison<Outcome>> {
    set.run("abacus-migrate", &[])?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut running =
        [processor::start(set, GROUP, 1, &[])?, ingress(set, &address.to_string(), options.quota)?];
    let group = Group::new(set, GROUP, &[&set.topics.requested])?;
    wait(CHECK_INTERVAL, PATIENCE, &mut running, || group.has_begun(1)).context("the processor")?;
    let is_open = || Ok(std::net::TcpStream::connect(address).is_ok());
    wait(CHECK_INTERVAL, PATIENCE, &mut running, is_open).context("the ingress")?;
    eprintln!("warming up");
    measure_round(address, options, WARM_UP).await?;
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        eprintln!("round {number} of {}", options.rounds);
        rounds.push(measure_round(address, options, options.requests).await?);
        running.iter_mut().try_for_each(Running::check)?;
    }
    running.into_iter().rev().try_for_each(Running::stop)?;
    Ok(Comparison::new(SUBJECT, rounds))
}

async fn measure_round(
    server: SocketAddr,
    options: &Options,
    requests: u32,
) -> Result<Round<Outcome>> {
    let without = caller::measure(server, options.rate, requests).await?;
    let attack = Attack::start(server, options.flood, options.slow)?;
    let with = caller::measure(server, options.rate, requests).await;
    let attack = attack.stop()?;
    ensure!(attack.refused > 0, "the flood was never refused: {attack:?}");
    let Outcome { asked, refused, cut } = attack;
    eprintln!("  the flood: {asked} requests, {refused} refused; {cut} slow connections were cut");
    Ok(Round::new(without, with?, attack))
}

fn ingress(set: &TopicSet, listen: &str, quota: u32) -> Result<Running> {
    let mut ingress = set.program("abacus-ingress");
    ingress
        .env("ABACUS_HTTP_LISTEN", listen)
        .env("ABACUS_ADMIN_LISTEN", "127.0.0.1:0")
        .env("ABACUS_LOG", "warn")
        .env("ABACUS_ANONYMOUS", "true")
        .env("ABACUS_TRUSTED_PROXIES", "127.0.0.1")
        .env("ABACUS_HEADER_TIMEOUT", "2s")
        .env("ABACUS_LIMIT_COMPUTE", format!("{quota}/1s"));
    Running::start("ingress", ingress)
}
