//! `check fuzz`: writes hostile records to a running system.

use anyhow::Result;

use super::checker::Checker;
use crate::cli;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Runs the fuzzer.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, options: &cli::Fuzz) -> Result<()> {
    let mut arguments = match options.only {
        Some(number) => vec![format!("--only={number}")],
        None => vec![format!("--seconds={}", options.seconds)],
    };
    arguments.extend(options.seed.map(|seed| format!("--seed={seed}")));
    let packages = &["abacus-ingress", "abacus-processor", "abacus-projector", "abacus-admin"];
    Checker { name: "abacus-fuzz", packages, arguments }.run(workspace, progress)
}
