//! The Docker provider: the whole system in containers, by docker-compose.yml.
//!
//! The file sets the ports. Containers reach each other by name. Published ports are on the
//! loopback interface.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cli;
use crate::command;
use crate::progress::Progress;
use crate::stack::{DEV, Stack};
use crate::workspace::Workspace;

const INGRESS_PORT: u16 = 8080;

/// Builds the images, starts the containers and sends a sample request.
pub(crate) fn up(workspace: &Workspace, progress: &Progress, stack: &Stack) -> Result<()> {
    if stack.ingresses() > 1 {
        bail!("containers publish one ingress; use `--ingresses 1`, or `--provider native`");
    }
    stack.credentials()?;
    progress.section("build and start the containers", || {
        let mut up = compose(workspace);
        up.args(["up", "--build", "--detach", "--wait", "--remove-orphans"]);
        up.args(["--scale", &format!("processor={}", stack.processors())]);
        command::run(&mut up).context("`docker compose logs` in the checkout shows the logs")
    })?;
    let (answer, question) = stack.send_sample_request_to(INGRESS_PORT, progress)?;
    println!("\n{answer}\n");
    for (name, value) in environment() {
        println!("  {name:<24}{value}");
    }
    println!("\nTry it:\n\n  {question}\n");
    Ok(())
}

pub(crate) fn check_engine() -> Result<()> {
    if !command::succeeds(Command::new("docker").args(["compose", "version"])) {
        bail!("`docker compose` is not installed; `--provider native` needs no containers");
    }
    if !command::succeeds(Command::new("docker").arg("info")) {
        bail!("no Docker engine answers; start it, or use `--provider native`");
    }
    Ok(())
}

/// Returns true if a container of the system runs.
pub(crate) fn is_up(workspace: &Workspace) -> bool {
    command::output(compose(workspace).args(["ps", "--quiet"])).is_ok_and(|ids| !ids.is_empty())
}

pub(crate) fn down(workspace: &Workspace, progress: &Progress, options: &cli::Down) -> Result<()> {
    progress.section("stop the containers", || {
        let mut down = compose(workspace);
        down.args(["down", "--remove-orphans"]);
        if options.wipe {
            down.arg("--volumes");
        }
        command::run(&mut down)
    })
}

pub(crate) fn status(workspace: &Workspace) -> Result<()> {
    command::run(compose(workspace).arg("ps"))
}

pub(crate) fn logs(workspace: &Workspace, options: &cli::Logs) -> Result<()> {
    let mut logs = compose(workspace);
    logs.args(["logs", "--tail", &options.lines.to_string()]);
    if options.follow {
        logs.arg("--follow");
    }
    command::run(logs.arg(&options.service))
}

/// Returns the addresses of the published ports.
pub(crate) fn environment() -> Vec<(String, String)> {
    [
        ("ABACUS_URL", "http://127.0.0.1:8080"),
        ("ABACUS_KAFKA_BOOTSTRAP", "127.0.0.1:29092"),
        ("ABACUS_REGISTRY_URL", "http://127.0.0.1:28081/apis/ccompat/v7"),
        ("ABACUS_POSTGRES_URL", "postgres://abacus:abacus@127.0.0.1:25432/abacus"),
        ("ABACUS_REDIS_URL", "redis://127.0.0.1:26379"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn compose(workspace: &Workspace) -> Command {
    let mut docker = Command::new("docker");
    docker.current_dir(workspace.root()).args(["compose", "--file", "docker-compose.yml"]);
    // Every use of the file requires the secrets of the ingress.
    if let Ok(Ok(credentials)) = Stack::peek(workspace, DEV).map(|stack| stack.credentials()) {
        docker.envs(credentials.settings()).envs([credentials.cache_setting()]);
        docker.envs(credentials.record_settings());
    }
    docker
}
