//! `abacus-admin dead-letters`: what operators do about records that were put aside.

mod label;
mod list;
mod marks;
mod replay;
mod report;
mod table;

use clap::Subcommand;

use crate::Settings;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Shows the newest letters, and how many there are of each class.
    List(list::Options),
    /// Writes letters back to the topics that they came from.
    Replay(replay::Options),
}

pub(crate) async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    match command {
        Command::List(options) => list::run(&options, settings),
        Command::Replay(options) => replay::run(&options, settings).await,
    }
}

/// The name of the client that reads letters.
const CLIENT: &str = "abacus-admin-dead-letters";
