//! Measured programs: started, watched from outside, and stopped with SIGTERM.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// Longest time a program may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(30);
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// A running program. Dropping this kills it.
pub(crate) struct Running {
    name: String,
    child: Child,
}

impl Running {
    /// Starts `program`. The log of the program goes to standard error.
    pub(crate) fn start(name: &str, mut program: Command) -> Result<Self> {
        program.stdin(Stdio::null()).stdout(io::stderr());
        let child = program.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name: name.to_owned(), child })
    }

    /// `name=pid`, the form that [`crate::processes::Processes`] parses.
    pub(crate) fn pair(&self) -> String {
        format!("{}={}", self.name, self.child.id())
    }

    /// Fails if the program has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended: {status}", self.name),
        }
    }

    /// Sends SIGTERM and waits for the end of the program. Fails if the program fails.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("no process id")?, Signal::TERM)?;
        let status = self.wait()?;
        ensure!(status.success(), "{} failed: {status}", self.name);
        Ok(())
    }

    fn wait(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::park_timeout(CHECK_INTERVAL);
        }
        bail!("{} does not end within {PATIENCE:?}", self.name)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Killing fails if the program has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `condition` holds. Fails if a program ends first.
pub(crate) fn wait(
    interval: Duration,
    patience: Duration,
    running: &mut [Running],
    condition: impl Fn() -> Result<bool>,
) -> Result<()> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if condition()? {
            return Ok(());
        }
        running.iter_mut().try_for_each(Running::check)?;
        thread::park_timeout(interval);
    }
    bail!("the condition was not met within {patience:?}")
}
