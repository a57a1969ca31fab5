//! `abacus-admin dead-letters`: shows dead letters and replays them.

mod class_counts;
mod headers;
mod list;
mod progress;
mod reader;
mod replay;
mod table;

use clap::Subcommand;

use crate::settings::Settings;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the newest dead letters, and the number of dead letters of each class.
    List(list::Options),
    /// Write dead letters back to their original topics.
    Replay(replay::Options),
}

pub(crate) async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    match command {
        Command::List(options) => list::run(&options, settings),
        Command::Replay(options) => replay::run(&options, settings).await,
    }
}
