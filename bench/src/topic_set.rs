//! Topics of a run's own: the system's, under a prefix, as a deployment makes them.

use std::env;
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
    /// Has `abacus-admin` create the topics and register the schemas. The system's programs are in
    /// `binaries`, or where this one is.
    pub(crate) fn create(
        bootstrap: &str,
        binaries: Option<&Path>,
        partitions: u32,
    ) -> Result<Self> {
        let here = env::current_exe()?;
        let binaries = binaries.or(here.parent()).context("this program is nowhere")?.to_owned();
        // A broker deletes topics in its own time: a run that follows another takes other names.
        let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let prefix = format!("bench-{run}.");
        let topics = Topics::with_prefix(&prefix);
        let set = Self { bootstrap: bootstrap.to_owned(), prefix, binaries, topics, partitions };
        let partitions = partitions.to_string();
        set.run("abacus-admin", &["topics", "apply", "--partitions", &partitions])?;
        set.run("abacus-admin", &["schemas", "register"])?;
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

    /// Runs one of the system's programs to its end.
    pub(crate) fn run(&self, name: &str, arguments: &[&str]) -> Result<()> {
        let output = self.program(name).args(arguments).output();
        let output = output.with_context(|| format!("cannot run {name}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{name} {} failed: {said}", arguments.join(" "));
        Ok(())
    }
}
