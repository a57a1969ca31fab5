//! The smallest service: one task. A setting selects the behaviour of the task, for the tests of
//! the process.

use std::future::pending;
use std::process::ExitCode;
use std::time::Duration;

use abacus_runtime::{
    AdminConfig, Config, Environment, LogConfig, Runtime, ServiceConfig, Setting,
};

struct ExampleConfig {
    admin: AdminConfig,
    log: LogConfig,
    task: Behaviour,
}

#[derive(Clone, Copy)]
enum Behaviour {
    Obey,
    Panic,
    IgnoreShutdown,
    BlockEveryWorker,
    FloodTheLog,
    FailToStart,
    StartForever,
    HangAtExit,
}

impl Setting for Behaviour {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "obey" => Ok(Self::Obey),
            "panic" => Ok(Self::Panic),
            "ignore-shutdown" => Ok(Self::IgnoreShutdown),
            "block-every-worker" => Ok(Self::BlockEveryWorker),
            "flood-the-log" => Ok(Self::FloodTheLog),
            "fail-to-start" => Ok(Self::FailToStart),
            "start-forever" => Ok(Self::StartForever),
            "hang-at-exit" => Ok(Self::HangAtExit),
            _ => Err("expected the name of a behaviour".to_owned()),
        }
    }
}

impl Config for ExampleConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            admin: AdminConfig::read(env, "127.0.0.1:0"),
            log: LogConfig::read(env),
            task: env.get("ABACUS_EXAMPLE_TASK", "obey", "Behaviour of the task"),
        }
    }
}

impl ServiceConfig for ExampleConfig {
    fn admin(&self) -> &AdminConfig {
        &self.admin
    }
    fn log(&self) -> &LogConfig {
        &self.log
    }
}

const BUDGET: Duration = Duration::from_millis(100);

async fn start(config: ExampleConfig, runtime: Runtime) -> anyhow::Result<()> {
    match config.task {
        Behaviour::FailToStart => anyhow::bail!("told to fail"),
        Behaviour::StartForever => pending().await,
        Behaviour::FloodTheLog => runtime.spawn_thread("flood", BUDGET, |_| flood_the_log())?,
        Behaviour::BlockEveryWorker => block_every_worker(&runtime)?,
        Behaviour::Panic => runtime.spawn("example", BUDGET, async |_| panic_in_task()),
        Behaviour::IgnoreShutdown => runtime.spawn("example", BUDGET, |_| pending()),
        Behaviour::HangAtExit | Behaviour::Obey => {
            runtime.spawn("example", BUDGET, |shutdown| async move {
                shutdown.requested().await;
                Ok(())
            });
        }
    }
    Ok(())
}

fn block_every_worker(runtime: &Runtime) -> anyhow::Result<()> {
    for _ in 0..std::thread::available_parallelism()?.get() {
        runtime.spawn("blocked", Duration::from_mins(1), async |_| block());
    }
    Ok(())
}

#[expect(clippy::panic, reason = "the requested behaviour is a panic")]
fn panic_in_task() -> anyhow::Result<()> {
    panic!("lost count")
}

fn flood_the_log() -> anyhow::Result<()> {
    loop {
        tracing::info!("flood");
    }
}

fn block() -> anyhow::Result<()> {
    loop {
        std::thread::park();
    }
}

/// Hangs when its thread ends. The main thread then hangs in `exit`.
struct Hanging;

impl Drop for Hanging {
    fn drop(&mut self) {
        std::sync::Barrier::new(2).wait();
    }
}

fn main() -> ExitCode {
    thread_local!(static HANGING: Hanging = const { Hanging });
    if std::env::var("ABACUS_EXAMPLE_TASK").is_ok_and(|task| task == "hang-at-exit") {
        HANGING.with(|_| ());
    }
    abacus_runtime::run("abacus-example", env!("CARGO_PKG_VERSION"), start)
}
