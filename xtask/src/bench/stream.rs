//! Measurements of parts of the system. xtask starts the servers; the measuring program starts the
//! services.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cli;
use crate::command;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::stack::{BENCH, Mode, Setup, Stack};
use crate::test::{and_then_clean_up, discard, end};
use crate::workspace::{Profile, Workspace};

/// Packages of the measured programs and of the programs that prepare a measurement.
const PACKAGES: [&str; 6] = [
    "abacus-bench",
    "abacus-ingress",
    "abacus-processor",
    "abacus-projector",
    "abacus-admin",
    "abacus-migrations",
];

/// Build of the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Build {
    /// Build for deployment.
    Deployed,
    /// Build with the operations for tests.
    Testing,
}

/// Starts separate servers, runs the command of the measuring program, and stops the servers.
pub(super) fn run(
    workspace: &Workspace,
    progress: &Progress,
    (subcommand, build): (&str, Build),
    options: &cli::Measurement,
) -> Result<()> {
    packages::ensure(workspace, progress, &[Purpose::Build, Purpose::Servers])?;
    let setup = Setup::ensure(workspace, progress)?;
    let mut stack = Stack::open(workspace, BENCH)?;
    discard(&mut stack, progress)?;
    let result = programs(workspace, progress, &stack, build).and_then(|binaries| {
        stack.set_mode(Mode::Throwaway)?;
        stack.start_servers(&setup, progress)?;
        measure(progress, &stack, &binaries, subcommand, &options.arguments)
    });
    if options.keep {
        return result;
    }
    and_then_clean_up(result, || end(&mut stack, progress))
}

fn measure(
    progress: &Progress,
    stack: &Stack,
    binaries: &Path,
    subcommand: &str,
    arguments: &[String],
) -> Result<()> {
    let kafka = stack.supervisor().running("kafka").context("kafka does not run")?.pid;
    progress.section("measure", || {
        let mut bench = Command::new(binaries.join("abacus-bench"));
        bench
            .arg(subcommand)
            .args(arguments)
            .envs(stack.server_environment()?)
            .env("ABACUS_BENCH_PIDS", format!("kafka={kafka}"));
        command::run(&mut bench)
    })
}

/// Compiles the programs. Returns their folder.
fn programs(
    workspace: &Workspace,
    progress: &Progress,
    stack: &Stack,
    build: Build,
) -> Result<PathBuf> {
    progress.section("build the programs (release)", || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--release", "--bins"]);
        cargo.args(PACKAGES.iter().flat_map(|package| ["--package", package]));
        command::run(&mut cargo)
    })?;
    let deployed = workspace.binaries(Profile::Release)?;
    match build {
        Build::Deployed => Ok(deployed),
        Build::Testing => testing(workspace, progress, &deployed, &stack.data("testing")),
    }
}

/// Copies the programs to `folder`, with a processor built with the test operations. Removes this
/// processor from the release folder, so that it is not deployed by mistake.
fn testing(
    workspace: &Workspace,
    progress: &Progress,
    deployed: &Path,
    folder: &Path,
) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    for program in ["abacus-bench", "abacus-admin"] {
        fs::copy(deployed.join(program), folder.join(program))?;
    }
    progress.section("build a processor with test operations (release)", || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--release", "--package", "abacus-processor"]);
        command::run(cargo.args(["--features", "abacus-processor/testing"]))
    })?;
    let built = deployed.join("abacus-processor");
    fs::copy(&built, folder.join("abacus-processor"))?;
    fs::remove_file(&built)?;
    Ok(folder.to_owned())
}
