//! Topics of a run's own: the system's, under a prefix, as a deployment makes them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use abacus_schemas::Topics;
use anyhow::{Context, Result, ensure};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

use crate::kafka::client;

const TIMEOUT: Duration = Duration::from_secs(15);

/// Topics that exist until they are deleted, and where programs find them.
pub(crate) struct TopicSet {
    bootstrap: String,
    prefix: String,
    binaries: PathBuf,
    pub(crate) topics: Topics,
    pub(crate) partitions: u32,
}

impl TopicSet {
    /// Has `abacus-admin` in `binaries` create the topics and register the schemas.
    pub(crate) fn create(bootstrap: &str, binaries: &Path, partitions: u32) -> Result<Self> {
        // A broker deletes topics in its own time: a run that follows another takes other names.
        let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let prefix = format!("bench-{run}.");
        let topics = Topics::with_prefix(&prefix);
        let bootstrap = bootstrap.to_owned();
        let set = Self { bootstrap, prefix, binaries: binaries.to_owned(), topics, partitions };
        let partitions = partitions.to_string();
        set.administer(&["topics", "apply", "--partitions", &partitions])?;
        set.administer(&["schemas", "register"])?;
        Ok(set)
    }

    /// One of the system's programs, set to these topics; everything else as the environment has it.
    pub(crate) fn program(&self, name: &str) -> Command {
        self.set(Command::new(self.binaries.join(name)))
    }

    /// Sets any program to these topics.
    pub(crate) fn set(&self, mut program: Command) -> Command {
        program
            .env("ABACUS_KAFKA_BOOTSTRAP", &self.bootstrap)
            .env("ABACUS_TOPIC_PREFIX", &self.prefix);
        program
    }

    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    pub(crate) fn partitions(&self) -> impl Iterator<Item = i32> + use<> {
        0..i32::try_from(self.partitions).unwrap_or(i32::MAX)
    }

    /// Removes the topics; those that are not there are no loss.
    pub(crate) async fn delete(self) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = client(&self.bootstrap).create()?;
        let specs = self.topics.specs(self.partitions, 1);
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        admin.delete_topics(&names, &options).await.context("cannot delete the topics")?;
        Ok(())
    }

    fn administer(&self, arguments: &[&str]) -> Result<()> {
        let mut admin = self.program("abacus-admin");
        let output = admin.args(arguments).output().context("cannot run abacus-admin")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "abacus-admin {} failed: {said}", arguments.join(" "));
        Ok(())
    }
}
