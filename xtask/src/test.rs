//! `test`: runs the tests on separate, empty servers. `stack` runs these servers without the tests.

use std::path::Path;

use anyhow::{Result, anyhow};

use crate::cli;
use crate::clients;
use crate::command;
use crate::packages::{self, Purpose};
use crate::programs;
use crate::progress::Progress;
use crate::python;
use crate::stack::{Mode, Setup, Stack, TEST};
use crate::up::print_exports;
use crate::wait;
use crate::workspace::{Profile, Workspace};

/// Cargo features for tests: operations that stall and panic, and failpoints.
pub(crate) const TESTING: [&str; 2] =
    ["--features", "abacus-processor/testing,abacus-ingress/testing"];

/// Runs the tests. The servers stop at the end, also after a failure or an interrupt.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, options: &cli::Test) -> Result<()> {
    let purposes = [Purpose::Build, Purpose::Servers, Purpose::Tests];
    packages::ensure(workspace, progress, &purposes)?;
    let python = python::ensure(workspace, progress)?;
    clients::ensure(workspace, progress)?;
    let setup = Setup::ensure(workspace, progress)?;
    let mut stack = Stack::open(workspace, TEST)?;
    let result = start_empty(&mut stack, &setup, progress)
        .and_then(|()| environment(&stack, &setup, workspace, &python))
        .and_then(|environment| run_tests(workspace, progress, &environment, &options.arguments));
    if options.keep {
        if let Ok(environment) = environment(&stack, &setup, workspace, &python) {
            print_exports(&environment);
        }
        return result;
    }
    and_then_clean_up(result, || end(&mut stack, progress))
}

/// Runs `clean_up` in any case. Returns the first error.
pub(crate) fn and_then_clean_up(
    result: Result<()>,
    clean_up: impl FnOnce() -> Result<()>,
) -> Result<()> {
    wait::forget_interrupt();
    let cleaned = clean_up();
    result.and(cleaned)
}

/// Starts the servers of `stack` without any data.
pub(crate) fn start_empty(stack: &mut Stack, setup: &Setup, progress: &Progress) -> Result<()> {
    discard(stack, progress)?;
    stack.set_mode(Mode::Throwaway)?;
    stack.start_servers(setup, progress)
}

/// Stops a stack and deletes its data.
pub(crate) fn end(stack: &mut Stack, progress: &Progress) -> Result<()> {
    stack.stop(progress)?;
    stack.wipe_data()
}

/// Stops a stack and deletes its data, logs and state.
pub(crate) fn discard(stack: &mut Stack, progress: &Progress) -> Result<()> {
    stack.stop(progress)?;
    stack.wipe()
}

fn run_tests(
    workspace: &Workspace,
    progress: &Progress,
    environment: &[(String, String)],
    arguments: &[String],
) -> Result<()> {
    progress.section("build the binaries (dev)", || {
        command::run(workspace.cargo().args(["build", "--workspace", "--bins"]).args(TESTING))
    })?;
    progress.section("run the tests", || {
        let mut cargo = workspace.cargo();
        cargo.arg("test");
        if !selects_packages(arguments) {
            cargo.arg("--workspace").args(TESTING);
        }
        cargo.args(arguments);
        cargo.envs(environment.iter().cloned());
        command::run(&mut cargo)
    })
}

/// Returns true if the user's arguments for `cargo test` select packages.
fn selects_packages(arguments: &[String]) -> bool {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

/// Returns the settings of the tests: addresses of servers and paths of tools.
pub(crate) fn environment(
    stack: &Stack,
    setup: &Setup,
    workspace: &Workspace,
    python: &Path,
) -> Result<Vec<(String, String)>> {
    let redis_server = programs::on_path("redis-server")
        .ok_or_else(|| anyhow!("redis-server is not installed"))?;
    let settings = [
        ("ABACUS_TEST_KAFKA_BOOTSTRAP", stack.kafka_bootstrap()?),
        ("ABACUS_TEST_REGISTRY_URL", stack.registry_url()?),
        ("ABACUS_TEST_POSTGRES_URL", stack.postgres_url()?),
        ("ABACUS_TEST_REDIS_URL", stack.redis_url()?),
        ("ABACUS_TEST_PYTHON", python.display().to_string()),
        ("ABACUS_TEST_REDIS_SERVER", redis_server.display().to_string()),
        ("ABACUS_TEST_JAVA", setup.java.display().to_string()),
        ("ABACUS_TEST_KAFKA_CLASSES", setup.dist.kafka_classes().display().to_string()),
        ("ABACUS_TEST_CLIENTS", clients::folder(workspace).display().to_string()),
        ("ABACUS_TEST_BIN_DIR", workspace.binaries(Profile::Dev)?.display().to_string()),
    ];
    Ok(settings.map(|(name, value)| (name.to_owned(), value)).to_vec())
}

/// Runs a command of `stack`: servers for tests, under a name of the user's choice.
pub(crate) fn stack(
    workspace: &Workspace,
    progress: &Progress,
    command: &cli::StackCommand,
) -> Result<()> {
    match command {
        cli::StackCommand::Up(options) => {
            packages::ensure(workspace, progress, &[Purpose::Servers, Purpose::Tests])?;
            let python = python::ensure(workspace, progress)?;
            clients::ensure(workspace, progress)?;
            let setup = Setup::ensure(workspace, progress)?;
            let mut stack = Stack::open(workspace, &options.name)?;
            stack.set_mode(Mode::Throwaway)?;
            stack.start_servers(&setup, progress)?;
            print_exports(&environment(&stack, &setup, workspace, &python)?);
            Ok(())
        }
        cli::StackCommand::Down(options) => {
            discard(&mut Stack::open(workspace, &options.name)?, progress)
        }
        cli::StackCommand::Env(options) => {
            let stack = Stack::peek(workspace, &options.name)?;
            let python = python::ensure(workspace, progress)?;
            let setup = Setup::ensure(workspace, progress)?;
            print_exports(&environment(&stack, &setup, workspace, &python)?);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_package_asked_for_is_the_only_one_tested() {
        let selects = |arguments: &[&str]| {
            selects_packages(&arguments.iter().copied().map(str::to_owned).collect::<Vec<_>>())
        };
        assert!(selects(&["-p", "abacus-kafka"]) && selects(&["--package=abacus-kafka"]));
        assert!(!selects(&["--test", "flow"]) && !selects(&["--", "-p"]));
    }

    #[test]
    fn cleaning_up_happens_after_a_failure_and_does_not_hide_it() {
        let mut cleaned = false;
        let result = and_then_clean_up(Err(anyhow!("a test failed")), || {
            cleaned = true;
            bail!("cannot clean up")
        });
        assert!(cleaned);
        assert_eq!(result.unwrap_err().to_string(), "a test failed");
    }
}
