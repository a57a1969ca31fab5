//! The command line of the checker. `cargo xtask check` starts the servers and calls it.

#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program for the terminal: the report goes to standard output, progress to standard error"
)]

use std::process::ExitCode;
use std::time::Duration;

use abacus_check::{Plan, run};
use abacus_testkit::{Random, Stack};
use clap::{Args, Parser};

/// Breaks a running system on purpose and shows that it kept its promises.
#[derive(Debug, Parser)]
enum Command {
    /// Under faults, every request is completed exactly once and every caller is answered
    ExactlyOnce(Options),
}

#[derive(Debug, Args)]
struct Options {
    /// Number of requests, over HTTP and over Kafka
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(100..))]
    requests: u64,
    /// Number of processors to kill, at random moments and at failpoints; from 8 on, every
    /// failpoint is used
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    kills: u64,
    /// Number of processors at the start
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(2..=4))]
    processors: u16,
    /// Number of brokers; one at a time is stopped or killed, and a lone broker is only killed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=5))]
    brokers: u16,
    /// Seed of all random choices [default: a new seed]
    #[arg(long)]
    seed: Option<u64>,
    /// Session time-out of the consumer group, in seconds
    #[arg(long, default_value_t = 10)]
    session: u64,
    /// Setting of the services, as NAME=VALUE; with ABACUS_DELIVERY=at-least-once the check must
    /// fail
    #[arg(long = "set", value_parser = a_setting)]
    settings: Vec<(String, String)>,
}

fn a_setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn main() -> ExitCode {
    let Command::ExactlyOnce(options) = Command::parse();
    let seed = options.seed.unwrap_or_else(Random::any_seed);
    let mut plan = Plan::new(options.requests, options.kills, seed);
    plan.processors = options.processors.into();
    plan.brokers = options.brokers.into();
    plan.settings = options.settings;
    plan.session = Duration::from_secs(options.session);
    eprintln!(
        "seed {seed}: {} requests, about {} of them over HTTP; {} faults, {} of them kills; {} brokers",
        plan.requests,
        plan.over_http,
        plan.faults().len(),
        plan.kills,
        plan.brokers,
    );
    let report = run(&plan, &Stack::from_env(), &|line| eprintln!("{line}"));
    println!("{report}");
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
