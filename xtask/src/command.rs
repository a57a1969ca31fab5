//! Runs programs to their end, with the output on the terminal or in a log.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::progress::{Step, tail};
use crate::wait;

/// Number of printed log lines of a failed program.
const SHOWN_LINES: usize = 30;

/// Runs `command` on the user's terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = name_of(command);
    let mut child = command.spawn().with_context(|| format!("cannot run {name}"))?;
    let status = wait::for_child(&mut child)?;
    if !status.success() {
        bail!("`{}` failed ({status})", line_of(command));
    }
    Ok(())
}

/// Runs `command` with the output in `log`. The step shows the last line of the log.
pub(crate) fn run_logged(command: &mut Command, log: &Path, step: &Step) -> Result<()> {
    let name = name_of(command);
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    step.follow(log);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .with_context(|| format!("cannot run {name}"))?;
    let status = wait::for_child(&mut child)?;
    step.note("");
    if !status.success() {
        bail!(
            "`{}` failed ({status}); the end of {}:\n{}",
            line_of(command),
            log.display(),
            tail(log, SHOWN_LINES)
        );
    }
    Ok(())
}

/// Returns the trimmed standard output of `command`. The error of a failed command holds its
/// standard error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = name_of(command);
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed ({}): {}", line_of(command), output.status, errors.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs `command` silently. Returns true if it succeeds.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn name_of(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

/// Returns the command as a line for a shell.
fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_named_with_what_it_said() {
        let error = output(Command::new("sh").args(["-c", "echo broken >&2; exit 3"])).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("broken") && text.contains('3'), "{text}");
    }

    #[test]
    fn a_missing_program_does_not_succeed() {
        assert!(!succeeds(&mut Command::new("/nonexistent/program")));
    }
}
