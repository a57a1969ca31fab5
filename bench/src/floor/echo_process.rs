//! The echo as a process: another instance of this program.

use std::env;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A running echo. Dropping this closes the echo's standard input and so ends the echo.
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

    /// Ends the echo and waits for it. Fails if the echo fails.
    pub(super) fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        ensure!(status.success(), "the echo failed: {status}");
        Ok(())
    }
}
