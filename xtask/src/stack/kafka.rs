//! Apache Kafka: a single node, both broker and controller (`KRaft`).

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::command;
use crate::health::Health;
use crate::progress::Step;
use crate::stack::{Setup, Stack};
use crate::supervisor::{Launch, Part};

/// Cluster id of Kafka: sixteen bytes in base64.
const CLUSTER_ID: &str = "abacus-development-01A";

const EIGHT_MEBIBYTES: u32 = 8 * 1024 * 1024;

/// Returns the Kafka of `stack`. Writes the configuration and formats new storage.
pub(crate) fn part(stack: &Stack, setup: &Setup, step: &Step) -> Result<Part> {
    let data = stack.data("kafka");
    fs::create_dir_all(&data)?;
    let properties = properties(stack, &data)?;
    let file = data.join("server.properties");
    fs::write(&file, &properties)?;
    let java = Java { setup, stack };
    if !data.join("log").join("meta.properties").exists() {
        format_storage(&java, &file, step)?;
    }
    let mut launch = Launch::new(&setup.java, &data)
        .arguments(["-Xms256m".to_owned(), format!("-Xmx{}", stack.mode().kafka_heap())])
        .arguments(["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"])
        .arguments(java.arguments())
        .arguments(["kafka.Kafka"])
        .arguments([file]);
    launch.configuration = properties;
    Ok(Part {
        name: "kafka".to_owned(),
        address: stack.kafka_bootstrap()?,
        launch,
        health: health(stack)?,
        start_timeout: Duration::from_mins(1),
    })
}

/// Returns the health check of Kafka. A broker accepts connections before it can serve them, and
/// then logs a line.
pub(crate) fn health(stack: &Stack) -> Result<Health> {
    let log = stack.supervisor().log("kafka");
    Ok(Health::Announced { port: stack.port("kafka")?, log, text: "Kafka Server started" })
}

struct Java<'a> {
    setup: &'a Setup,
    stack: &'a Stack,
}

impl Java<'_> {
    fn arguments(&self) -> Vec<String> {
        let log_settings = self.stack.files().join("kafka-log4j2.xml");
        vec![
            format!("-Dlog4j2.configurationFile={}", log_settings.display()),
            "-cp".to_owned(),
            self.setup.dist.kafka_classes().display().to_string(),
        ]
    }
}

fn format_storage(java: &Java<'_>, properties: &Path, step: &Step) -> Result<()> {
    let mut format = Command::new(&java.setup.java);
    format
        .arg("-XX:TieredStopAtLevel=1")
        .args(java.arguments())
        .args(["kafka.tools.StorageTool", "format", "--standalone", "--ignore-formatted"])
        .args(["--cluster-id", CLUSTER_ID, "--config"])
        .arg(properties);
    let log = java.stack.supervisor().log("kafka-format");
    command::run_logged(&mut format, &log, step).context("cannot format Kafka's storage")
}

fn properties(stack: &Stack, data: &Path) -> Result<String> {
    let broker = format!("127.0.0.1:{}", stack.port("kafka")?);
    let controller = format!("127.0.0.1:{}", stack.port("kafka-controller")?);
    let listeners = format!("PLAINTEXT://{broker},CONTROLLER://{controller}");
    let bytes = EIGHT_MEBIBYTES.to_string();
    let log = data.join("log").display().to_string();
    let settings = [
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("controller.quorum.bootstrap.servers", &controller),
        ("controller.listener.names", "CONTROLLER"),
        ("listeners", &listeners),
        ("advertised.listeners", &listeners),
        ("log.dirs", &log),
        // Topics are part of the contract: only `abacus-admin` makes topics, never a typing error.
        ("auto.create.topics.enable", "false"),
        // With a single node, internal topics have a single replica.
        ("offsets.topic.replication.factor", "1"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("share.coordinator.state.topic.replication.factor", "1"),
        ("share.coordinator.state.topic.min.isr", "1"),
        // Small internal topics and an immediate first rebalance shorten the start to a few
        // seconds.
        ("offsets.topic.num.partitions", "8"),
        ("transaction.state.log.num.partitions", "8"),
        ("share.coordinator.state.topic.num.partitions", "1"),
        ("group.initial.rebalance.delay.ms", "0"),
        // An open transaction holds up its partition for at most a minute, the default of librdkafka
        // and of the Java client.
        ("transaction.max.timeout.ms", "60000"),
        // Short sessions of services: the partitions of a dead instance move soon.
        ("group.min.session.timeout.ms", "1000"),
        ("group.consumer.min.session.timeout.ms", "1000"),
        ("group.consumer.session.timeout.ms", "2500"),
        ("group.consumer.min.heartbeat.interval.ms", "100"),
        ("group.consumer.heartbeat.interval.ms", "300"),
        // During a controlled shutdown, a single broker reports a cluster without brokers.
        // librdkafka may never recover from this report (librdkafka issue 5301).
        ("controlled.shutdown.enable", "false"),
        ("log.cleaner.dedupe.buffer.size", "16777216"),
        // Results have up to a million digits and more.
        ("message.max.bytes", &bytes),
        ("replica.fetch.max.bytes", &bytes),
    ];
    let mut text = String::new();
    for (name, value) in settings {
        writeln!(text, "{name}={value}")?;
    }
    Ok(text)
}
