//! `check exactly-once`: runs the checking program on servers and services of its own.

use std::process::Command;

use anyhow::Result;

use crate::cli;
use crate::command;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::python;
use crate::stack::{Setup, Stack};
use crate::test::{TESTING, and_then_clean_up, end, environment, start_empty};
use crate::workspace::{Profile, Workspace};

const STACK: &str = "check";

/// The programs under test, and the checker. The projector takes no part.
const PACKAGES: [&str; 4] = ["abacus-ingress", "abacus-processor", "abacus-admin", "abacus-check"];

/// Runs the checking program. The servers stop with the program, also after a failure or an interrupt.
pub(crate) fn run(
    workspace: &Workspace,
    progress: &Progress,
    options: &cli::ExactlyOnce,
) -> Result<()> {
    let purposes = [Purpose::Build, Purpose::Servers, Purpose::Tests];
    packages::ensure(workspace, progress, &purposes)?;
    let python = python::ensure(workspace, progress)?;
    let setup = Setup::ensure(workspace, progress)?;
    progress.section("build the services and the checker (dev)", || {
        let packages = PACKAGES.iter().flat_map(|package| ["--package", package]);
        command::run(workspace.cargo().arg("build").args(packages).args(TESTING))
    })?;
    let mut stack = Stack::open(workspace, STACK)?;
    let result = start_empty(&mut stack, &setup, progress)
        .and_then(|()| environment(&stack, &setup, workspace, &python))
        .and_then(|environment| check(workspace, progress, environment, options));
    and_then_clean_up(result, || end(&mut stack, progress))
}

fn check(
    workspace: &Workspace,
    progress: &Progress,
    environment: Vec<(String, String)>,
    options: &cli::ExactlyOnce,
) -> Result<()> {
    let mut checker = Command::new(workspace.binaries(Profile::Dev)?.join("abacus-check"));
    checker.arg("exactly-once").envs(environment);
    checker.args(["--requests", &options.requests.to_string()]);
    checker.args(["--kills", &options.kills.to_string()]);
    checker.args(["--brokers", &options.brokers.to_string()]);
    if let Some(seed) = options.seed {
        checker.args(["--seed", &seed.to_string()]);
    }
    for setting in &options.settings {
        checker.args(["--set", setting]);
    }
    progress.section("check", || command::run(&mut checker))
}
