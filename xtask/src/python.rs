//! Python environment for tests and a benchmark: an independent Kafka client, an independent Avro
//! library, GMP.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Returns the interpreter of the environment. Makes the environment if it is missing or
/// `requirements.txt` has changed.
pub(crate) fn ensure(workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
    let folder = workspace.local().join("python");
    let interpreter = folder.join("bin").join("python");
    let requirements = workspace.stack_files().join("requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted)
        && command::succeeds(Command::new(&interpreter).arg("--version"))
    {
        return Ok(interpreter);
    }
    progress.step("make a Python environment for the tests", |step| {
        let log = workspace.local().join("python.log");
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        command::run_logged(&mut venv, &log, step)?;
        let mut pip = Command::new(&interpreter);
        pip.args(["-m", "pip", "install", "--disable-pip-version-check"])
            .args(["--only-binary", ":all:", "--requirement"])
            .arg(&requirements);
        command::run_logged(&mut pip, &log, step)?;
        fs::write(&installed, &wanted)?;
        Ok(())
    })?;
    Ok(interpreter)
}
