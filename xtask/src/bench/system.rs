//! Measurements of the whole system.

use std::process::Command;

use anyhow::{Context, Result};

use crate::cli;
use crate::command;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::stack::{BENCH, Stack};
use crate::test::{and_then_clean_up, discard, end};
use crate::up;
use crate::workspace::{Profile, Workspace};

/// A system under measurement, and the arguments of the measuring program.
pub(super) struct Plan {
    processors: u16,
    arguments: Vec<String>,
    /// Leaves the system running afterwards.
    keep: bool,
}

impl Plan {
    /// Measures the whole system.
    pub(super) fn system(options: &cli::Bench) -> Self {
        Self {
            processors: options.processors,
            arguments: options.arguments.clone(),
            keep: options.keep,
        }
    }

    /// Measures the cost of authentication.
    pub(super) fn identity(options: &cli::Measurement) -> Self {
        let arguments = ["identity".to_owned()].into_iter().chain(options.arguments.clone());
        Self { processors: 1, arguments: arguments.collect(), keep: options.keep }
    }
}

/// Starts a separate system, measures the system, and stops it.
pub(super) fn run(workspace: &Workspace, progress: &Progress, options: &Plan) -> Result<()> {
    let purposes = [Purpose::Build, Purpose::Servers, Purpose::Bench];
    packages::ensure(workspace, progress, &purposes)?;
    let mut stack = Stack::open(workspace, BENCH)?;
    let result = measure(workspace, progress, &mut stack, options);
    if options.keep {
        return result;
    }
    and_then_clean_up(result, || end(&mut stack, progress))
}

fn measure(
    workspace: &Workspace,
    progress: &Progress,
    stack: &mut Stack,
    options: &Plan,
) -> Result<()> {
    discard(stack, progress)?;
    stack.set_processors(options.processors)?;
    stack.set_anonymous(true)?;
    progress.section("build the measuring program (release)", || {
        command::run(workspace.cargo().args(["build", "--release", "--package", "abacus-bench"]))
    })?;
    up::start_system(workspace, progress, stack, Profile::Release)?;
    stack.send_sample_request(progress)?;
    progress.section("measure", || {
        let program = workspace.binaries(Profile::Release)?.join("abacus-bench");
        let mut bench = Command::new(program);
        bench
            .args(&options.arguments)
            .envs(stack.server_environment()?)
            .env("ABACUS_URL", stack.ingress_url()?)
            .envs(stack.credential_exports()?)
            .env("ABACUS_SESSION_TOKEN", stack.sign_in()?)
            .env("ABACUS_BENCH_PIDS", service_pids(stack)?);
        command::run(&mut bench)
    })
}

/// Returns the process ids of the services: `ingress=123,processor=456,projector=789`. Further
/// processors are `processor-2=...`.
fn service_pids(stack: &Stack) -> Result<String> {
    let services = ["ingress", "processor", "projector"];
    let names = stack.supervisor().started();
    let names =
        names.iter().filter(|name| services.iter().any(|service| name.starts_with(service)));
    let pids: Result<Vec<String>> = names
        .map(|name| {
            let record = stack.supervisor().running(name);
            let pid = record.with_context(|| format!("{name} does not run"))?.pid;
            Ok(format!("{}={pid}", name.strip_suffix("-1").unwrap_or(name)))
        })
        .collect();
    Ok(pids?.join(","))
}
