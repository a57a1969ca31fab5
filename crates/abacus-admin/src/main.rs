#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]
#![doc = include_str!("../README.md")]

mod dead_letters;
mod schemas;
mod settings;
mod topics;

use std::process::ExitCode;

use abacus_runtime::{Config as _, Environment};
use clap::{Parser, Subcommand};

use crate::settings::Settings;

/// Prepares Kafka and the schema registry for Abacus, shows dead letters and replays them. The
/// preparation can be repeated safely.
#[derive(Parser)]
#[command(name = "abacus-admin", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create and update the Kafka topics.
    #[command(subcommand)]
    Topics(topics::Command),
    /// Register the Avro schemas.
    #[command(subcommand)]
    Schemas(schemas::Command),
    /// Show and replay dead letters: records that could not be read as requests.
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("abacus-admin: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    let mut environment = Environment::from_process();
    let settings = Settings::read(&mut environment);
    environment.finish()?;
    match command {
        Command::Topics(command) => topics::run(command, &settings).await,
        Command::Schemas(command) => schemas::run(command, &settings).await,
        Command::DeadLetters(command) => dead_letters::run(command, &settings).await,
    }
}
