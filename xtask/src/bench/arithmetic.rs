//! `bench arithmetic`: measures the operations against GMP. Both write decimal text.

use std::process::Command;

use anyhow::Result;

use crate::command;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::python;
use crate::workspace::{Profile, Workspace};

/// Runs the measurement, without servers, and prints a table.
pub(crate) fn run(workspace: &Workspace, progress: &Progress) -> Result<()> {
    packages::ensure(workspace, progress, &[Purpose::Tests])?;
    let python = python::ensure(workspace, progress)?;
    progress.section("build the measuring program (release)", || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--release", "--package", "abacus-operations"]);
        command::run(cargo.args(["--example", "against_gmp"]))
    })?;
    progress.section("measure", || {
        let examples = workspace.binaries(Profile::Release)?.join("examples");
        command::run(Command::new(examples.join("against_gmp")).arg(python))
    })
}
