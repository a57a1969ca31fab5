//! Topics of one run: the system's topics under a prefix, created as in a deployment.

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

/// Topics of a run, to be deleted, and the programs configured for the topics.
pub(crate) struct TopicSet {
    bootstrap: String,
    prefix: String,
    binaries: PathBuf,
    pub(crate) topics: Topics,
    pub(crate) partitions: u32,
}

impl TopicSet {
    /// Creates the topics and registers the schemas with `abacus-admin`. The system's programs are
    /// in `binaries`, or in the folder of this program.
    pub(crate) fn create(
        bootstrap: &str,
        binaries: Option<&Path>,
        partitions: u32,
    ) -> Result<Self> {
        let here = env::current_exe()?;
        let binaries = binaries.or(here.parent()).context("this program has no folder")?.to_owned();
        // A broker deletes topics with a delay, so each run uses new names.
        let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let prefix = format!("bench-{run}.");
        let topics = Topics::with_prefix(&prefix);
        let set = Self { bootstrap: bootstrap.to_owned(), prefix, binaries, topics, partitions };
        let partitions = partitions.to_string();
        set.run("abacus-admin", &["topics", "apply", "--partitions", &partitions])?;
        set.run("abacus-admin", &["schemas", "register"])?;
        Ok(set)
    }

    /// One of the system's programs, configured for these topics. All other settings come from the
    /// environment.
    pub(crate) fn program(&self, name: &str) -> Command {
        self.set(Command::new(self.binaries.join(name)))
    }

    /// Configures any program for these topics.
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

    /// Deletes the topics. Missing topics are not an error.
    pub(crate) async fn delete(self) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = client(&self.bootstrap).create()?;
        let specs = self.topics.specs(self.partitions, 1);
        let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        admin.delete_topics(&names, &options).await.context("cannot delete the topics")?;
        Ok(())
    }

    /// Runs one of the system's programs to completion.
    pub(crate) fn run(&self, name: &str, arguments: &[&str]) -> Result<()> {
        let output = self.program(name).args(arguments).output();
        let output = output.with_context(|| format!("cannot run {name}"))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{name} {} failed: {errors}", arguments.join(" "));
        Ok(())
    }
}
