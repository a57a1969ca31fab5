//! Measurements of parts of the system: the servers run, and the measuring program starts what it measures.

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

/// The programs that are measured or prepare the measurement.
const PACKAGES: [&str; 6] = [
    "abacus-bench",
    "abacus-ingress",
    "abacus-processor",
    "abacus-projector",
    "abacus-admin",
    "abacus-migrations",
];

/// What the processor is compiled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Build {
    /// As it is deployed.
    Deployed,
    /// With the operations that exist for tests.
    Testing,
}

/// Starts servers of their own, lets the measuring program run its command `what`, and takes them down.
pub(super) fn run(
    workspace: &Workspace,
    progress: &Progress,
    (what, build): (&str, Build),
    options: &cli::Measurement,
) -> Result<()> {
    packages::ensure(workspace, progress, &[Purpose::Build, Purpose::Servers])?;
    let setup = Setup::ensure(workspace, progress)?;
    let mut stack = Stack::open(workspace, BENCH)?;
    discard(&mut stack, progress)?;
    let result = programs(workspace, progress, &stack, build).and_then(|binaries| {
        stack.set_mode(Mode::Throwaway)?;
        stack.start_servers(&setup, progress)?;
        measure(progress, &stack, &binaries, what, &options.arguments)
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
    what: &str,
    arguments: &[String],
) -> Result<()> {
    let kafka = stack.supervisor().running("kafka").context("kafka does not run")?.pid;
    progress.section("measure", || {
        let mut bench = Command::new(binaries.join("abacus-bench"));
        bench
            .arg(what)
            .args(arguments)
            .envs(stack.server_environment()?)
            .env("ABACUS_BENCH_PIDS", format!("kafka={kafka}"));
        command::run(&mut bench)
    })
}

/// Compiles the programs and gives the folder they are in.
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

/// The same programs in `folder`, with a processor that has the test operations. It leaves the release
/// folder, where nobody would tell it from the one that is deployed.
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
