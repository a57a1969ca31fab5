//! `abacus-admin topics`.

use abacus_kafka::admin::{Topic, create_topics};
use abacus_schemas::topics::TopicSpec;
use clap::Subcommand;

use crate::Settings;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Creates the topics that do not exist.
    Apply {
        /// Partitions of the event topics: the most processors that can share the work.
        #[arg(long, env = "ABACUS_TOPIC_PARTITIONS", default_value_t = 4)]
        partitions: u32,
        /// Partitions of the reply topic: the most ingress instances with one of their own.
        #[arg(long, env = "ABACUS_TOPIC_REPLY_PARTITIONS", default_value_t = 8)]
        reply_partitions: u32,
        /// Copies of each partition; -1 is the broker's default. For production 3, with
        /// `min.insync.replicas=2` at the broker.
        #[arg(long, env = "ABACUS_TOPIC_REPLICATION", default_value_t = -1, allow_negative_numbers = true)]
        replication: i32,
    },
}

pub(crate) async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let Command::Apply { partitions, reply_partitions, replication } = command;
    let topics: Vec<Topic> = settings
        .topics
        .specs(partitions, reply_partitions)
        .into_iter()
        .map(|spec| topic(spec, replication))
        .collect();
    let created = create_topics(&settings.kafka, &topics).await?;
    for topic in &topics {
        let state = if created.contains(&topic.name) { "created" } else { "exists" };
        println!("{state:8} {}", topic.name);
    }
    Ok(())
}

fn topic(spec: TopicSpec, replication: i32) -> Topic {
    Topic {
        name: spec.name,
        partitions: spec.partitions,
        replication,
        settings: vec![
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", spec.retention_ms.to_string()),
            ("max.message.bytes", spec.max_record_bytes.to_string()),
        ],
    }
}
