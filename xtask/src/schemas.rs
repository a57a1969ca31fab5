//! `schemas`: the deploy step that puts the events' schemas into a registry.

use std::env;
use std::process::Command;

use anyhow::Result;

use crate::cli::Schemas;
use crate::command;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::up;
use crate::workspace::{Profile, Workspace};

/// Runs `abacus-admin` against the user's system. Settings in the environment win, so that it reaches any registry.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, command: &Schemas) -> Result<()> {
    let arguments = match command {
        Schemas::Register => ["schemas", "register"],
    };
    packages::ensure(workspace, progress, &[Purpose::Build])?;
    progress.section("build abacus-admin (dev)", || {
        command::run(workspace.cargo().args(["build", "--package", "abacus-admin"]))
    })?;
    let mut admin = Command::new(workspace.binaries(Profile::Dev)?.join("abacus-admin"));
    admin.args(arguments);
    if env::var_os("ABACUS_REGISTRY_URL").is_none() {
        admin.envs(up::addresses(workspace)?);
    }
    command::run(&mut admin)
}
