//! The command line of the fuzzer. `cargo xtask check fuzz` starts the servers and calls it.

#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program for the terminal: the report goes to standard output, progress to standard error"
)]

use std::process::ExitCode;
use std::time::Duration;

use abacus_fuzz::{Length, Plan, run};
use abacus_testkit::{Random, Stack};
use clap::Parser;

/// Writes hostile records to a running system and accounts for each of them.
#[derive(Debug, Parser)]
struct Options {
    /// Time of writing, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Number of records, instead of a time
    #[arg(long, conflicts_with = "seconds")]
    records: Option<u64>,
    /// Write only the record with this number
    #[arg(long, conflicts_with_all = ["seconds", "records"])]
    only: Option<u64>,
    /// Seed of all random choices [default: a new seed]
    #[arg(long)]
    seed: Option<u64>,
    /// Number of random schemas offered to the registry
    #[arg(long, default_value_t = 40)]
    schemas: u64,
}

impl Options {
    fn plan(&self) -> Plan {
        let length = match (self.only, self.records) {
            (Some(number), _) => Length::Only(number),
            (None, Some(count)) => Length::Records(count),
            (None, None) => Length::Time(Duration::from_secs(self.seconds)),
        };
        let seed = self.seed.unwrap_or_else(Random::any_seed);
        Plan { schemas: self.schemas, ..Plan::new(seed, length) }
    }
}

fn main() -> ExitCode {
    let plan = Options::parse().plan();
    eprintln!("seed {}: {:?}", plan.seed, plan.length);
    let report = run(&plan, &Stack::from_env(), &|line| eprintln!("{line}"));
    println!("{report}");
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
