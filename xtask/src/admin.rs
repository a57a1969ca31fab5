//! `schemas` and `dead-letters`: runs `abacus-admin` on the running system.

use std::env;
use std::process::Command;

use anyhow::Result;

use crate::cli::{DeadLetters, Schemas};
use crate::command;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::up;
use crate::workspace::{Profile, Workspace};

/// Registers the schemas of the events, a step of a deployment.
pub(crate) fn schemas(workspace: &Workspace, progress: &Progress, command: &Schemas) -> Result<()> {
    let arguments = match command {
        Schemas::Register => ["schemas", "register"],
    };
    run(workspace, progress, "ABACUS_REGISTRY_URL", &arguments)
}

/// Lists or replays dead letters.
pub(crate) fn dead_letters(
    workspace: &Workspace,
    progress: &Progress,
    command: &DeadLetters,
) -> Result<()> {
    let arguments: Vec<&str> = std::iter::once("dead-letters")
        .chain(command.arguments.iter().map(String::as_str))
        .collect();
    run(workspace, progress, "ABACUS_KAFKA_BOOTSTRAP", &arguments)
}

/// Runs `abacus-admin` on the user's system. If the environment has `setting`, the environment
/// selects the system.
fn run(
    workspace: &Workspace,
    progress: &Progress,
    setting: &str,
    arguments: &[&str],
) -> Result<()> {
    packages::ensure(workspace, progress, &[Purpose::Build])?;
    progress.section("build abacus-admin (dev)", || {
        command::run(workspace.cargo().args(["build", "--package", "abacus-admin"]))
    })?;
    let mut admin = Command::new(workspace.binaries(Profile::Dev)?.join("abacus-admin"));
    admin.args(arguments);
    if env::var_os(setting).is_none() {
        admin.envs(up::addresses(workspace)?);
    }
    command::run(&mut admin)
}
