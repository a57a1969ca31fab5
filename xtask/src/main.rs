//! All commands for people and CI.
//!
//! xtask builds with Rust alone and uses no other crate of the workspace, because xtask installs the packages that the
//! other crates need. All files made by xtask are in the ignored folder `.abacus`:
//!
//! | folder | content |
//! |---|---|
//! | `dist/` | Kafka and the registry, fetched once ([`dist`]) |
//! | `dev/`, `test/`, `check/`, `bench/` | one stack each: `state.json`, `pids/`, `logs/`, `data/` ([`stack`]) |
//! | `fresh/` | the bare system of `check fresh` ([`checks`]) |
//! | `python/`, `tools/` | tools of tests and checks ([`python`], [`ci`]) |
//! | `client-programs/`, `go-toolchain/`, `node-toolchain/` | client programs of the tests, and missing toolchains ([`clients`]) |
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal: results go to standard output, progress to standard error"
)]

mod admin;
mod bench;
mod checks;
mod ci;
mod cli;
mod clients;
mod command;
mod dist;
mod docker;
mod files;
mod health;
mod http;
mod java;
mod packages;
mod ports;
mod process;
mod programs;
mod progress;
mod python;
mod stack;
mod supervisor;
mod test;
mod up;
mod wait;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::cli::{Cli, Command};
use crate::packages::Purpose;
use crate::progress::Progress;
use crate::workspace::Workspace;

fn main() -> ExitCode {
    let cli = Cli::parse();
    run(&cli.command).unwrap_or_else(|error| {
        eprintln!("\nerror: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: &Command) -> Result<ExitCode> {
    wait::catch_interrupts()?;
    let workspace = Workspace::discover()?;
    let progress = Progress::new();
    match command {
        Command::Up(options) => up::up(&workspace, &progress, options)?,
        Command::Down(options) => up::down(&workspace, &progress, options)?,
        Command::Status => return up::status(&workspace),
        Command::Logs(options) => up::logs(&workspace, options)?,
        Command::Env => up::env(&workspace)?,
        Command::Test(options) => test::run(&workspace, &progress, options)?,
        Command::Check(options) => checks::run(&workspace, &progress, options)?,
        Command::Ci => ci::run(&workspace, &progress)?,
        Command::Bench(options) => bench::run(&workspace, &progress, options)?,
        Command::Schemas(command) => admin::schemas(&workspace, &progress, command)?,
        Command::DeadLetters(command) => admin::dead_letters(&workspace, &progress, command)?,
        Command::Stack(command) => test::stack(&workspace, &progress, command)?,
        Command::Packages => packages::ensure(
            &workspace,
            &progress,
            &[Purpose::Build, Purpose::Servers, Purpose::Tests, Purpose::Bench],
        )?,
    }
    Ok(ExitCode::SUCCESS)
}
