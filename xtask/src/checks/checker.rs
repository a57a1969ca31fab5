//! Runs a checking program on servers and services of its own.

use std::process::Command;

use anyhow::Result;

use crate::command;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::python;
use crate::stack::{Setup, Stack};
use crate::test::{TESTING, and_then_clean_up, end, environment, start_empty};
use crate::workspace::{Profile, Workspace};

const STACK: &str = "check";

/// A checking program of the workspace.
pub(super) struct Checker<'a> {
    /// The package and the program.
    pub(super) name: &'a str,
    /// The packages with the programs under test.
    pub(super) packages: &'a [&'a str],
    pub(super) arguments: Vec<String>,
}

impl Checker<'_> {
    /// Runs the program. The servers stop with the program, also after a failure or an interrupt.
    pub(super) fn run(&self, workspace: &Workspace, progress: &Progress) -> Result<()> {
        let purposes = [Purpose::Build, Purpose::Servers, Purpose::Tests];
        packages::ensure(workspace, progress, &purposes)?;
        let python = python::ensure(workspace, progress)?;
        let setup = Setup::ensure(workspace, progress)?;
        progress.section("build the services and the checker (dev)", || {
            let packages = self.packages.iter().chain([&self.name]);
            let packages = packages.flat_map(|package| ["--package", package]);
            command::run(workspace.cargo().arg("build").args(packages).args(TESTING))
        })?;
        let mut stack = Stack::open(workspace, STACK)?;
        let result = start_empty(&mut stack, &setup, progress)
            .and_then(|()| environment(&stack, &setup, workspace, &python))
            .and_then(|environment| self.check(workspace, progress, environment));
        and_then_clean_up(result, || end(&mut stack, progress))
    }

    fn check(
        &self,
        workspace: &Workspace,
        progress: &Progress,
        environment: Vec<(String, String)>,
    ) -> Result<()> {
        let mut checker = Command::new(workspace.binaries(Profile::Dev)?.join(self.name));
        checker.args(&self.arguments).envs(environment);
        progress.section("check", || command::run(&mut checker))
    }
}
