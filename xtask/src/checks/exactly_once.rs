//! `check exactly-once`: breaks a running system. The projector takes no part.

use anyhow::Result;

use super::checker::Checker;
use crate::cli;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Runs the checking program.
pub(crate) fn run(
    workspace: &Workspace,
    progress: &Progress,
    options: &cli::ExactlyOnce,
) -> Result<()> {
    let mut arguments = vec![
        "exactly-once".to_owned(),
        format!("--requests={}", options.requests),
        format!("--kills={}", options.kills),
        format!("--brokers={}", options.brokers),
    ];
    arguments.extend(options.seed.map(|seed| format!("--seed={seed}")));
    arguments.extend(options.settings.iter().map(|setting| format!("--set={setting}")));
    let packages = &["abacus-ingress", "abacus-processor", "abacus-admin"];
    Checker { name: "abacus-check", packages, arguments }.run(workspace, progress)
}
