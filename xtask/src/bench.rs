//! `bench`: measures the whole system after a fresh start, or a part by name.

mod arithmetic;
mod stream;
mod system;

use anyhow::Result;

use self::stream::Build;
use self::system::Plan;
use crate::cli;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Runs the selected measurement, by default of the whole system.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, options: &cli::Bench) -> Result<()> {
    match &options.part {
        None => system::run(workspace, progress, &Plan::system(options)),
        Some(cli::BenchPart::Arithmetic) => arithmetic::run(workspace, progress),
        Some(cli::BenchPart::Backlog(options)) => {
            stream::run(workspace, progress, ("backlog", Build::Deployed), options)
        }
        Some(cli::BenchPart::Rows(options)) => {
            stream::run(workspace, progress, ("rows", Build::Deployed), options)
        }
        Some(cli::BenchPart::Heavy(options)) => {
            stream::run(workspace, progress, ("heavy", Build::Testing), options)
        }
        Some(cli::BenchPart::Identity(part)) => {
            system::run(workspace, progress, &Plan::identity(part))
        }
        Some(cli::BenchPart::Failover(options)) => {
            stream::run(workspace, progress, ("failover", Build::Deployed), options)
        }
        Some(cli::BenchPart::Protection(options)) => {
            stream::run(workspace, progress, ("protection", Build::Deployed), options)
        }
    }
}
