//! Kafka and the registry as jars, fetched once by Maven and shared by all stacks.
//!
//! A distribution lives in a folder named after the content of `pom.xml`. It is unpacked beside that and renamed
//! when it is whole, so a folder that exists is complete, and another version never changes a running stack's files.

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
    /// The distribution that `pom.xml` describes, fetched where it is not there yet.
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
                fs::rename(&partial, &folder).context("cannot put the distribution in place")
            })?;
        }
        Ok(Self { folder })
    }

    /// The class path of Kafka.
    pub(crate) fn kafka_classes(&self) -> PathBuf {
        self.folder.join("kafka").join("*")
    }

    /// The jar that starts the registry.
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
