//! Programs that are measured: started, watched from outside, and stopped as an operator would.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take to end once it is asked to.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);

/// A running program. It is killed when this is dropped.
pub(crate) struct Running {
    name: String,
    child: Child,
}

impl Running {
    /// Starts `program`, whose log goes to standard error.
    pub(crate) fn start(name: &str, mut program: Command) -> Result<Self> {
        program.stdin(Stdio::null()).stdout(io::stderr());
        let child = program.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name: name.to_owned(), child })
    }

    /// `name=pid`, as [`crate::processes::Processes`] reads it.
    pub(crate) fn pair(&self) -> String {
        format!("{}={}", self.name, self.child.id())
    }

    /// Errs if it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended: {status}", self.name),
        }
    }

    /// Asks it to end and waits for it; its failure is one of the measurement.
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
            thread::park_timeout(LOOK);
        }
        bail!("{} does not end within {PATIENCE:?}", self.name)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended is not there to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until it is so; errs when one of those that are to bring it about has ended.
pub(crate) fn wait(
    interval: Duration,
    patience: Duration,
    running: &mut [Running],
    is_so: impl Fn() -> Result<bool>,
) -> Result<()> {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if is_so()? {
            return Ok(());
        }
        running.iter_mut().try_for_each(Running::check)?;
        thread::park_timeout(interval);
    }
    bail!("nothing has come of it within {patience:?}")
}
