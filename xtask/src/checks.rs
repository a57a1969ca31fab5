//! `check`: single checks, by name.

mod checker;
mod exactly_once;
mod fresh;
mod fuzz;
pub(crate) mod modules;
pub(crate) mod walls;
pub(crate) mod words;

use anyhow::Result;

use crate::cli::Check;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Runs one check.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, check: &Check) -> Result<()> {
    match check {
        Check::ExactlyOnce(options) => exactly_once::run(workspace, progress, options),
        Check::Fuzz(options) => fuzz::run(workspace, progress, options),
        Check::Modules => modules::run(workspace),
        Check::Walls => walls::run(workspace),
        Check::Words(options) => words::run(workspace, options),
        Check::Fresh(options) => fresh::run(workspace, progress, options),
    }
}
