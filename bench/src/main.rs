#![doc = include_str!("../README.md")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal: results go to standard output, progress to standard error"
)]

mod backlog;
mod child;
mod cli;
mod codecs;
mod comparison;
mod failover;
mod findings;
mod floor;
mod group;
mod heavy;
mod identity;
mod kafka;
mod latency;
mod light;
mod load;
mod measurement;
mod plan;
mod probe;
mod processes;
mod processor;
mod protection;
mod report;
mod request;
mod table;
mod topic_set;
mod wrk;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::cli::{Cli, Command, Options};
use crate::findings::Findings as _;

/// One thread is enough. This program must not compete with a measurement.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Some(Command::Echo { requests }) => {
            floor::echo(&cli.bootstrap, requests).map(|()| ExitCode::SUCCESS)
        }
        Some(Command::Bare { prefix, group }) => {
            backlog::bare(&cli.bootstrap, prefix, group).await.map(|()| ExitCode::SUCCESS)
        }
        Some(Command::Backlog(options)) => {
            backlog::run(&cli.bootstrap, options).await.map(|()| ExitCode::SUCCESS)
        }
        Some(Command::Rows(options)) => {
            backlog::rows(&cli.bootstrap, options).await.map(|()| ExitCode::SUCCESS)
        }
        Some(Command::Heavy(options)) => {
            heavy::run(&cli.bootstrap, options).await.map(|()| ExitCode::SUCCESS)
        }
        Some(Command::Identity(options)) => {
            identity::run(options).await.map(|()| ExitCode::SUCCESS)
        }
        Some(Command::Failover(options)) => {
            failover::run(&cli.bootstrap, options).await.map(|()| ExitCode::SUCCESS)
        }
        Some(Command::Protection(options)) => {
            protection::run(&cli.bootstrap, options).await.map(|()| ExitCode::SUCCESS)
        }
        None => measure(&cli.bootstrap, &cli.options).await,
    };
    result.unwrap_or_else(|error| {
        eprintln!("\nerror: {error:#}");
        ExitCode::FAILURE
    })
}

/// Fails if a request failed. An unmet demand is a finding, not a failure.
async fn measure(bootstrap: &str, options: &Options) -> Result<ExitCode> {
    let report = plan::run(bootstrap, options).await?;
    report.print(options.json)?;
    let errors = report.errors();
    if errors > 0 {
        eprintln!("\nerror: {errors} requests failed");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
