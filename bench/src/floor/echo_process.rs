//! The echo as a process: this program, started again.

use std::env;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A running echo. It ends when this is dropped, too: its standard input closes.
pub(super) struct EchoProcess {
    child: Child,
}

impl EchoProcess {
    pub(super) fn start(bootstrap: &str, requests: &str) -> Result<Self> {
        let child = Command::new(env::current_exe()?)
            .args(["echo", "--bootstrap", bootstrap, requests])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start the echo")?;
        Ok(Self { child })
    }

    /// Waits for its end; its failure is one of the measurement.
    pub(super) fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        ensure!(status.success(), "the echo failed: {status}");
        Ok(())
    }
}
