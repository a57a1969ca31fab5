#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]
//! `abacus-admin`: what a deployment does before the services start, and operators now and then.

mod dead_letters;
mod schemas;
mod topics;

use std::process::ExitCode;

use abacus_kafka::KafkaConfig;
use abacus_registry::RegistryConfig;
use abacus_runtime::{Config, Environment};
use abacus_schemas::Topics;
use clap::{Parser, Subcommand};

/// Prepares Kafka and the schema registry for Abacus, which is safe to do again; shows and replays
/// dead letters.
#[derive(Parser)]
#[command(name = "abacus-admin", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The topics.
    #[command(subcommand)]
    Topics(topics::Command),
    /// The Avro schemas.
    #[command(subcommand)]
    Schemas(schemas::Command),
    /// The records that could not be read as requests.
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
}

/// Where everything is, from the environment the services read too.
struct Settings {
    kafka: KafkaConfig,
    registry: RegistryConfig,
    topics: Topics,
}

impl Config for Settings {
    fn read(env: &mut Environment) -> Self {
        Self {
            kafka: KafkaConfig::read(env),
            registry: RegistryConfig::read(env),
            topics: abacus_registry::topics(env),
        }
    }
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
