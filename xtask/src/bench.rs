//! `bench`: the whole system, freshly started, under the measuring program; or a part of it, by name.

mod stream;

use std::process::Command;

use anyhow::{Context, Result};

use self::stream::Build;
use crate::arithmetic;
use crate::cli;
use crate::command;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::stack::Stack;
use crate::test::{and_then_clean_up, discard, end};
use crate::up;
use crate::workspace::{Profile, Workspace};

const STACK: &str = "bench";

/// Measures what `options` name, or the whole system.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, options: &cli::Bench) -> Result<()> {
    match &options.part {
        None => run_system(workspace, progress, &Measuring::of(options)),
        Some(cli::BenchPart::Arithmetic) => arithmetic::run(workspace, progress),
        Some(cli::BenchPart::Backlog(options)) => {
            stream::run(workspace, progress, ("backlog", Build::Deployed), options)
        }
        Some(cli::BenchPart::Rows(options)) => {
            stream::run(workspace, progress, ("rows", Build::Deployed), options)
        }
        Some(cli::BenchPart::Heavy(options)) => {
            stream::run(workspace, progress, ("heavy", Build::Testing), options)
        }
        Some(cli::BenchPart::Identity(part)) => {
            let arguments =
                ["identity"].into_iter().chain(part.arguments.iter().map(String::as_str));
            let measuring = Measuring { keep: part.keep, ..Measuring::new(1, arguments) };
            run_system(workspace, progress, &measuring)
        }
        Some(cli::BenchPart::Protection(options)) => {
            stream::run(workspace, progress, ("protection", Build::Deployed), options)
        }
    }
}

/// A system to measure, and what the measuring program is told.
struct Measuring {
    processors: u16,
    arguments: Vec<String>,
    /// Leave the system running afterwards.
    keep: bool,
}

impl Measuring {
    fn of(options: &cli::Bench) -> Self {
        let arguments = options.arguments.iter().map(String::as_str);
        Self { keep: options.keep, ..Self::new(options.processors, arguments) }
    }

    fn new<'a>(processors: u16, arguments: impl Iterator<Item = &'a str>) -> Self {
        Self { processors, arguments: arguments.map(str::to_owned).collect(), keep: false }
    }
}

/// Starts a system of its own, measures it, and takes it down.
fn run_system(workspace: &Workspace, progress: &Progress, options: &Measuring) -> Result<()> {
    let purposes = [Purpose::Build, Purpose::Servers, Purpose::Bench];
    packages::ensure(workspace, progress, &purposes)?;
    let mut stack = Stack::open(workspace, STACK)?;
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
    options: &Measuring,
) -> Result<()> {
    discard(stack, progress)?;
    stack.set_processors(options.processors)?;
    stack.set_anonymous(true)?;
    progress.section("build the measuring program (release)", || {
        command::run(workspace.cargo().args(["build", "--release", "--package", "abacus-bench"]))
    })?;
    up::start_system(workspace, progress, stack, Profile::Release)?;
    stack.ask_a_question(progress)?;
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

/// `ingress=123,processor=456,projector=789`; processors behind the first as `processor-2=...`.
fn service_pids(stack: &Stack) -> Result<String> {
    let services = ["ingress", "processor", "projector"];
    let names = stack.supervisor().started();
    let names = names.iter().filter(|name| services.iter().any(|known| name.starts_with(known)));
    let pids: Result<Vec<String>> = names
        .map(|name| {
            let record = stack.supervisor().running(name);
            let pid = record.with_context(|| format!("{name} does not run"))?.pid;
            Ok(format!("{}={pid}", name.strip_suffix("-1").unwrap_or(name)))
        })
        .collect();
    Ok(pids?.join(","))
}
