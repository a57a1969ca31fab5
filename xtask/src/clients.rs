//! Client programs of the tests: one for each ecosystem of Kafka clients, from `tests/clients`.
//!
//! The programs are built in a copy of their sources, in a partial folder that is renamed at the end.
//! So an existing folder is complete. The folder holds a fingerprint of the sources, and is built
//! again after a change.

mod sources;
mod toolchains;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use self::sources::Sources;
use self::toolchains::Toolchain;
use crate::command;
use crate::files::remove;
use crate::java;
use crate::progress::Progress;
use crate::workspace::Workspace;

const FINGERPRINT: &str = "fingerprint.txt";

/// Class path of a client in Java, from the folder of the client.
const CLASSES: &str = "target/classes:target/dependency/*";

/// Returns the folder of the built clients.
pub(crate) fn folder(workspace: &Workspace) -> PathBuf {
    workspace.local().join("client-programs")
}

/// Builds the clients if they are missing or their sources have changed. Installs missing
/// toolchains.
pub(crate) fn ensure(workspace: &Workspace, progress: &Progress) -> Result<()> {
    let sources = Sources::read(workspace)?;
    let folder = folder(workspace);
    if is_built(&folder, &sources) {
        return Ok(());
    }
    fs::create_dir_all(workspace.local())?;
    let lock = File::create(workspace.local().join("client-programs.lock"))?;
    lock.lock().context("cannot lock the folder of the clients")?;
    if is_built(&folder, &sources) {
        return Ok(());
    }
    let build = Build { workspace, progress, folder: folder.with_extension("partial") };
    remove(&build.folder)?;
    sources.copy_into(&build.folder)?;
    build.go()?;
    build.node()?;
    build.java()?;
    fs::write(build.folder.join(FINGERPRINT), sources.fingerprint())?;
    remove(&folder)?;
    fs::rename(&build.folder, &folder).context("cannot rename the folder of the clients")
}

fn is_built(folder: &Path, sources: &Sources) -> bool {
    fs::read_to_string(folder.join(FINGERPRINT)).is_ok_and(|text| text == sources.fingerprint())
}

/// A build of all clients. Each client becomes a program called `ask`.
struct Build<'a> {
    workspace: &'a Workspace,
    progress: &'a Progress,
    /// Copy of the sources.
    folder: PathBuf,
}

impl Build<'_> {
    fn go(&self) -> Result<()> {
        let mut go = Toolchain::GO.command("go", self.workspace, self.progress)?;
        go.args(["build", "-trimpath", "-o", "ask", "."]);
        self.run("go", &mut go)
    }

    fn node(&self) -> Result<()> {
        let mut npm = Toolchain::NODE.command("npm", self.workspace, self.progress)?;
        npm.args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]);
        self.run("node", &mut npm)?;
        let node = Toolchain::NODE.program("node", self.workspace, self.progress)?;
        self.write_launcher("node", &format!("exec '{}' ask.js \"$@\"", node.display()))
    }

    fn java(&self) -> Result<()> {
        let schemas = self.workspace.root().join("schemas").join("avsc");
        let mut maven = Command::new("mvn");
        maven.args(["--batch-mode", "--no-transfer-progress", "process-classes"]);
        maven.arg(format!("-Dschemas={}", schemas.display()));
        maven.arg("-Dmaven.wagon.http.retryHandler.count=3");
        self.run("java", &mut maven)?;
        let java = java::find().context("no sufficient Java is installed")?;
        let line = format!("exec '{}' -cp '{CLASSES}' example.Ask \"$@\"", java.display());
        self.write_launcher("java/spring", &line)?;
        self.write_launcher("java/smallrye", &line)
    }

    fn run(&self, client: &str, build: &mut Command) -> Result<()> {
        self.progress.step(&format!("build the client of the tests in {client}"), |step| {
            let log = self.workspace.local().join(format!("client-programs-{client}.log"));
            command::run_logged(build.current_dir(self.folder.join(client)), &log, step)
        })
    }

    /// Writes a script called `ask`, which runs `line` in the folder of the client.
    fn write_launcher(&self, client: &str, line: &str) -> Result<()> {
        let launcher = self.folder.join(client).join("ask");
        fs::write(&launcher, format!("#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 1\n{line}\n"))?;
        fs::set_permissions(&launcher, Permissions::from_mode(0o755))?;
        Ok(())
    }
}
