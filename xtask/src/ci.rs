//! `ci`: all checks of a change.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::checks;
use crate::cli;
use crate::command;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::test::{self, TESTING};
use crate::wait;
use crate::workspace::Workspace;

const CARGO_DENY: &str = "0.20.2";

/// Modules of operations. A macro declares them, so `cargo fmt` skips them.
const OPERATIONS: &str = "crates/abacus-operations/src/operations";

type Check = fn(&Workspace, &Progress) -> Result<()>;

const CHECKS: [(&str, Check); 8] = [
    ("format", format),
    ("modules", modules),
    ("walls", walls),
    ("words", words),
    ("clippy", clippy),
    ("documentation", documentation),
    ("dependencies", dependencies),
    ("tests", tests),
];

/// Runs all checks, also after a failed check, and prints a summary.
pub(crate) fn run(workspace: &Workspace, progress: &Progress) -> Result<()> {
    packages::ensure(workspace, progress, &[Purpose::Build])?;
    let mut outcomes = Vec::new();
    for (name, check) in CHECKS {
        let started = Instant::now();
        let result = progress.section(name, || check(workspace, progress));
        if wait::is_interrupted() {
            return result;
        }
        outcomes.push(Outcome { name, took: started.elapsed(), result });
    }
    sum_up(&outcomes)
}

struct Outcome {
    name: &'static str,
    took: Duration,
    result: Result<()>,
}

fn sum_up(outcomes: &[Outcome]) -> Result<()> {
    eprintln!();
    for Outcome { name, took, result } in outcomes {
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        eprintln!("  {name:<14}{verdict:<8}{:>7.1} s", took.as_secs_f64());
    }
    let failed: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| {
            let error = outcome.result.as_ref().err()?;
            Some(format!("{}: {error:#}", outcome.name))
        })
        .collect();
    if !failed.is_empty() {
        bail!("{} of {} checks failed\n\n{}", failed.len(), outcomes.len(), failed.join("\n\n"));
    }
    Ok(())
}

fn format(workspace: &Workspace, _: &Progress) -> Result<()> {
    command::run(workspace.cargo().args(["fmt", "--all", "--check"]))?;
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--check", "--edition", "2024"]).current_dir(workspace.root());
    for file in fs::read_dir(workspace.root().join(OPERATIONS))? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            rustfmt.arg(path);
        }
    }
    command::run(&mut rustfmt)
}

fn modules(workspace: &Workspace, _: &Progress) -> Result<()> {
    checks::modules::run(workspace)
}

fn walls(workspace: &Workspace, _: &Progress) -> Result<()> {
    checks::walls::run(workspace)
}

fn words(workspace: &Workspace, _: &Progress) -> Result<()> {
    checks::words::run(workspace, &cli::Words { list: false })
}

fn clippy(workspace: &Workspace, _: &Progress) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["clippy", "--workspace", "--all-targets", "--locked"]).args(TESTING);
    cargo.args(["--", "-D", "warnings"]);
    command::run(&mut cargo)
}

fn documentation(workspace: &Workspace, _: &Progress) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["doc", "--workspace", "--no-deps", "--locked"]);
    command::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Checks bans, licenses and sources. Advisories need an external database, whose updates must not fail an old change.
fn dependencies(workspace: &Workspace, progress: &Progress) -> Result<()> {
    let tools = workspace.local().join("tools");
    let deny = tools.join("bin").join("cargo-deny");
    let is_there = command::output(Command::new(&deny).arg("--version"))
        .is_ok_and(|version| version.ends_with(CARGO_DENY));
    if !is_there {
        progress.step(&format!("install cargo-deny {CARGO_DENY}"), |step| {
            let mut cargo = workspace.cargo();
            // The check runs for a second, so a quick build pays: no optimisation, no TLS for advisories.
            cargo
                .args(["install", "cargo-deny", "--locked", "--version", CARGO_DENY])
                .args(["--debug", "--no-default-features", "--root"])
                .arg(&tools);
            command::run_logged(&mut cargo, &workspace.local().join("cargo-deny.log"), step)
        })?;
    }
    let mut check = Command::new(deny);
    check.current_dir(workspace.root());
    command::run(check.args(["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))
}

/// Runs the test command of the README.
fn tests(workspace: &Workspace, progress: &Progress) -> Result<()> {
    test::run(workspace, progress, &cli::Test { keep: false, arguments: Vec::new() })
        .context("`cargo xtask test` failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_check_is_named_and_the_others_are_counted() {
        let outcome = |name, result| Outcome { name, took: Duration::ZERO, result };
        let outcomes =
            [outcome("format", Ok(())), outcome("clippy", Err(anyhow::anyhow!("unused")))];
        let error = sum_up(&outcomes).unwrap_err().to_string();
        assert!(error.contains("1 of 2") && error.contains("clippy: unused"), "{error}");
        assert!(sum_up(&[outcome("format", Ok(()))]).is_ok());
    }
}
