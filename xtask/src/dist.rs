//! Kafka and the registry as jars. Maven fetches the jars once for all stacks.
//!
//! The name of a distribution's folder is a hash of `pom.xml`. A distribution is unpacked in a
//! partial folder, which is renamed at the end. So an existing folder is complete, and a new
//! version does not change the files of a running stack.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;
use crate::progress::Progress;
use crate::workspace::Workspace;

/// A complete distribution on disk.
#[derive(Debug, Clone)]
pub(crate) struct Dist {
    folder: PathBuf,
}

impl Dist {
    /// Returns the distribution of `pom.xml`. Fetches missing distributions.
    pub(crate) fn ensure(workspace: &Workspace, progress: &Progress) -> Result<Self> {
        let pom = workspace.stack_files().join("pom.xml");
        let all = workspace.local().join("dist");
        let folder = all.join(fingerprint(&pom)?);
        if !folder.is_dir() {
            progress.step("fetch Kafka and the registry", |step| {
                fs::create_dir_all(&all)?;
                let lock = File::create(all.join("lock"))?;
                lock.lock().context("cannot lock the folder of distributions")?;
                if folder.is_dir() {
                    return Ok(());
                }
                let partial = folder.with_extension("partial");
                let log = workspace.local().join("maven.log");
                command::run_logged(&mut maven(&pom, &partial), &log, step)?;
                fs::rename(&partial, &folder)
                    .context("cannot rename the folder of the distribution")
            })?;
        }
        Ok(Self { folder })
    }

    /// Returns the class path of Kafka.
    pub(crate) fn kafka_classes(&self) -> PathBuf {
        self.folder.join("kafka").join("*")
    }

    /// Returns the executable jar of the registry.
    pub(crate) fn registry_jar(&self) -> Result<PathBuf> {
        let folder = self.folder.join("registry");
        fs::read_dir(&folder)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.to_string_lossy().ends_with("-runner.jar"))
            .with_context(|| format!("no runner jar in {}", folder.display()))
    }
}

fn maven(pom: &Path, into: &Path) -> Command {
    let mut maven = Command::new("mvn");
    maven
        .args(["--batch-mode", "--no-transfer-progress", "--file"])
        .arg(pom)
        .arg(format!("-Ddist={}", into.display()))
        .arg("-Dmaven.wagon.http.retryHandler.count=3")
        .arg("package");
    maven
}

fn fingerprint(pom: &Path) -> Result<String> {
    let text = fs::read(pom).with_context(|| format!("cannot read {}", pom.display()))?;
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}
