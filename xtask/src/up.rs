//! `up`, `down`, `status`, `logs` and `env`: commands for the user's system.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, anyhow, bail};

use crate::cli;
use crate::command;
use crate::docker;
use crate::packages::{self, Purpose};
use crate::progress::Progress;
use crate::stack::{DEV, Mode, Provider, Setup, Stack, services};
use crate::supervisor::Supervisor;
use crate::workspace::{Profile, Workspace};

/// Starts the system and sends a sample request.
pub(crate) fn up(workspace: &Workspace, progress: &Progress, options: &cli::Up) -> Result<()> {
    let mut stack = Stack::open(workspace, DEV)?;
    let provider = options.provider.unwrap_or(stack.provider());
    check_provider(workspace, &stack, provider)?;
    if provider == Provider::Docker {
        docker::check_engine()?;
    }
    stack.set_provider(provider)?;
    if let Some(processors) = options.processors {
        stack.set_processors(processors)?;
    }
    if let Some(ingresses) = options.ingresses {
        stack.set_ingresses(ingresses)?;
    }
    if provider == Provider::Docker {
        return docker::up(workspace, progress, &stack);
    }
    start_and_try(workspace, progress, &mut stack, options.profile).map_err(|error| {
        anyhow!(
            "{error:#}\n\nThe started parts keep running. Repeat the command after a repair. \
             `cargo xtask logs SERVICE` prints a log, `cargo xtask down` stops the system."
        )
    })
}

fn start_and_try(
    workspace: &Workspace,
    progress: &Progress,
    stack: &mut Stack,
    profile: Profile,
) -> Result<()> {
    packages::ensure(workspace, progress, &[Purpose::Build, Purpose::Servers])?;
    start_system(workspace, progress, stack, profile)?;
    let (answer, question) = stack.send_sample_request(progress)?;
    print_summary(stack, &answer, &question)
}

/// Fails if the system runs with another provider than `wanted`. The providers differ in ports and
/// data.
fn check_provider(workspace: &Workspace, stack: &Stack, wanted: Provider) -> Result<()> {
    let is_up = match stack.provider() {
        Provider::Native => !stack.supervisor().started().is_empty(),
        Provider::Docker => docker::is_up(workspace),
    };
    if wanted != stack.provider() && is_up {
        bail!("the system runs with another provider; run `cargo xtask down` first");
    }
    Ok(())
}

/// Starts the servers of `stack`, prepares them, and starts the services.
pub(crate) fn start_system(
    workspace: &Workspace,
    progress: &Progress,
    stack: &mut Stack,
    profile: Profile,
) -> Result<()> {
    let setup = Setup::ensure(workspace, progress)?;
    stack.set_mode(Mode::Lasting)?;
    stack.start_servers(&setup, progress)?;
    services::build(workspace, progress, profile)?;
    let binaries = workspace.binaries(profile)?;
    stack.prepare_servers(&binaries, progress)?;
    stack.start_services(&binaries, progress)
}

fn print_summary(stack: &Stack, answer: &str, question: &str) -> Result<()> {
    let url = stack.ingress_url()?;
    println!("\n{answer}\n");
    println!("  HTTP       {url}");
    for number in 2..=stack.ingresses() {
        println!("             {}", stack.url_of_ingress(number)?);
    }
    println!("  Kafka      {}", stack.kafka_bootstrap()?);
    println!("  registry   {}", stack.registry_url()?);
    println!("  Postgres   {}", stack.postgres_url()?);
    println!("  Redis      {}", stack.redis_url()?);
    println!("\nTry it:\n\n  {question}\n");
    println!(
        "API docs: {url}/docs. Passwords of the user `demo` and the administrator `admin`:\n{}",
        stack.credentials_file().display()
    );
    println!("Next: `cargo xtask status`, `cargo xtask logs SERVICE`, `cargo xtask down`");
    Ok(())
}

/// Stops the system.
pub(crate) fn down(workspace: &Workspace, progress: &Progress, options: &cli::Down) -> Result<()> {
    let mut stack = Stack::open(workspace, DEV)?;
    if stack.provider() == Provider::Docker {
        docker::down(workspace, progress, options)?;
    } else {
        stack.stop(progress)?;
    }
    if options.wipe {
        stack.wipe()?;
    }
    Ok(())
}

/// Prints a line for each part. The exit code is a failure if a part is not healthy.
pub(crate) fn status(workspace: &Workspace) -> Result<ExitCode> {
    let stack = Stack::peek(workspace, DEV)?;
    if stack.provider() == Provider::Docker {
        docker::status(workspace)?;
        return Ok(ExitCode::SUCCESS);
    }
    let names = stack.supervisor().started();
    if names.is_empty() {
        println!("the system is not running; `cargo xtask up` starts it");
        return Ok(ExitCode::FAILURE);
    }
    println!("{:<14}{:<10}{:>8}{:>8}  address", "part", "state", "pid", "MiB");
    let mut all_up = true;
    for name in names {
        all_up &= print_status(&stack, &name)?;
    }
    Ok(if all_up { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_status(stack: &Stack, name: &str) -> Result<bool> {
    let address = stack.address_of(name)?;
    let Some(record) = stack.supervisor().running(name) else {
        println!("{name:<14}{:<10}{:>8}{:>8}  {address}", "dead", "", "");
        return Ok(false);
    };
    let healthy = stack.health_of(name)?.check();
    let state = if healthy.is_ok() { "up" } else { "unhealthy" };
    let memory = record.resident_bytes().unwrap_or_default() >> 20;
    println!("{name:<14}{state:<10}{:>8}{memory:>8}  {address}", record.pid);
    if let Err(reason) = &healthy {
        println!("{:<14}{reason}", "");
    }
    Ok(healthy.is_ok())
}

/// Prints the log of a part.
pub(crate) fn logs(workspace: &Workspace, options: &cli::Logs) -> Result<()> {
    let stack = Stack::peek(workspace, DEV)?;
    if stack.provider() == Provider::Docker {
        return docker::logs(workspace, options);
    }
    let supervisor = stack.supervisor();
    let log = [options.service.clone(), format!("{}-1", options.service)]
        .iter()
        .map(|name| supervisor.log(name))
        .find(|log| log.is_file())
        .with_context(|| no_such_log(supervisor, &options.service))?;
    let mut tail = Command::new("tail");
    tail.args(["-n", &options.lines.to_string()]);
    if options.follow {
        tail.arg("-F");
    }
    command::run(tail.arg(log))
}

fn no_such_log(supervisor: &Supervisor, service: &str) -> String {
    let names = supervisor.started();
    if names.is_empty() {
        return format!("{service} has no log: the system is not running");
    }
    format!("{service} has no log; parts with a log: {}", names.join(", "))
}

/// Prints addresses and credentials as shell lines.
pub(crate) fn env(workspace: &Workspace) -> Result<()> {
    print_exports(&addresses(workspace)?);
    Ok(())
}

/// Returns the addresses and credentials of the user's system.
pub(crate) fn addresses(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let stack = Stack::peek(workspace, DEV)?;
    if stack.provider() == Provider::Docker {
        let mut settings = docker::environment();
        settings.extend(stack.credential_exports()?);
        return Ok(settings);
    }
    let mut settings = vec![("ABACUS_URL".to_owned(), stack.ingress_url()?)];
    settings.extend(stack.server_environment()?);
    settings.extend(stack.credential_exports()?);
    Ok(settings)
}

/// Prints settings as `export` lines for a shell.
pub(crate) fn print_exports(settings: &[(String, String)]) {
    for (name, value) in settings {
        println!("export {name}='{value}'");
    }
}
