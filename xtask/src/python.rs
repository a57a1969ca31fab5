//! Environments with packages from Python's registry: for the tests and a benchmark an independent
//! Kafka client, an independent Avro library and GMP; and toolchains that the machine lacks.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// Packages of an environment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Environment {
    /// Folder of the environment, in the ignored folder.
    pub(crate) name: &'static str,
    /// Pinned packages, in the folder of the files for the native stack.
    pub(crate) requirements: &'static str,
    /// Title of the installation.
    pub(crate) title: &'static str,
}

const TESTS: Environment = Environment {
    name: "python",
    requirements: "requirements.txt",
    title: "make a Python environment for the tests",
};

/// Returns the interpreter of the tests' environment. Makes the environment like
/// [`Environment::ensure`].
pub(crate) fn ensure(workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
    Ok(TESTS.ensure(workspace, progress)?.join("python"))
}

impl Environment {
    /// Returns the folder of the programs. Makes the environment if it is missing or the
    /// requirements have changed.
    pub(crate) fn ensure(&self, workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
        let folder = workspace.local().join(self.name);
        let programs = folder.join("bin");
        let interpreter = programs.join("python");
        let requirements = workspace.stack_files().join(self.requirements);
        let wanted = fs::read_to_string(&requirements)
            .with_context(|| format!("cannot read {}", requirements.display()))?;
        let installed = folder.join("installed.txt");
        if fs::read_to_string(&installed).is_ok_and(|text| text == wanted)
            && command::succeeds(Command::new(&interpreter).arg("--version"))
        {
            return Ok(programs);
        }
        progress.step(self.title, |step| {
            let log = workspace.local().join(format!("{}.log", self.name));
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
        Ok(programs)
    }
}
