//! `abacus-admin topics`: creates topics, and changes existing topics on request.

mod plan;

use std::time::{Duration, Instant};

use abacus_kafka::admin::{Creation, Topic, TopicAdmin};
use abacus_schemas::topics::TopicSpec;
use anyhow::{bail, ensure};
use clap::{Args, Subcommand};

use self::plan::{Allowed, Difference, Plan, refusals};
use crate::settings::Settings;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create missing topics, and report existing topics with other settings than requested.
    ///
    /// Without a flag, existing topics stay unchanged: a deployment does not undo the changes of
    /// an operator. If any change is impossible, the command changes nothing.
    Apply(Apply),
}

#[derive(Args)]
pub(crate) struct Apply {
    /// Number of partitions of the event topics: the largest number of processors that share the
    /// work
    #[arg(long, env = "ABACUS_TOPIC_PARTITIONS", default_value_t = 4)]
    partitions: u32,
    /// Number of partitions of the reply topic: the largest number of ingress instances with a
    /// reply partition of their own
    #[arg(long, env = "ABACUS_TOPIC_REPLY_PARTITIONS", default_value_t = 8)]
    reply_partitions: u32,
    /// Number of replicas of each partition; -1 for the default of the broker. Use 3 in
    /// production, with `min.insync.replicas=2` on the broker.
    #[arg(long, env = "ABACUS_TOPIC_REPLICATION", default_value_t = -1, allow_negative_numbers = true)]
    replication: i32,
    /// Add partitions to topics with fewer than requested. Kafka cannot remove partitions.
    ///
    /// The completed topic is enlarged before the request topics. Services find new partitions
    /// within five minutes; an ingress finds them after a restart. Restart the processors first,
    /// then the ingress.
    #[arg(long)]
    add_partitions: bool,
    /// Set retention and the largest record size of existing topics to the requested values.
    #[arg(long)]
    update_settings: bool,
}

/// Time limit for the metadata of new topics to reach every broker.
const METADATA_TIMEOUT: Duration = Duration::from_secs(30);
/// Interval between two checks of the metadata.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

pub(crate) async fn run(Command::Apply(apply): Command, settings: &Settings) -> anyhow::Result<()> {
    let admin = TopicAdmin::new(&settings.kafka)?;
    let allowed = Allowed { partitions: apply.add_partitions, settings: apply.update_settings };
    let mut plans = Vec::new();
    for spec in settings.topics.specs(apply.partitions, apply.reply_partitions) {
        let topic = topic(spec, apply.replication);
        let state = admin.describe(&topic.name).await?;
        plans.push(Plan::new(topic, state, allowed));
    }
    let request_topics = settings.topics.request_topics();
    let refusals = refusals(&plans, &settings.topics.completed, &request_topics);
    if !refusals.is_empty() {
        bail!("nothing was changed:\n  {}", refusals.join("\n  "));
    }
    for plan in &plans {
        carry_out(&admin, plan).await?;
    }
    for plan in &plans {
        wait_until_known(&admin, &plan.topic.name).await?;
    }
    Ok(())
}

/// Waits until every broker knows the topic: a service may start right after this command.
async fn wait_until_known(admin: &TopicAdmin, name: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + METADATA_TIMEOUT;
    while !admin.is_known(name)? {
        ensure!(
            Instant::now() < deadline,
            "{name} was created, but some brokers do not know the topic yet"
        );
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

async fn carry_out(admin: &TopicAdmin, plan: &Plan) -> anyhow::Result<()> {
    let name = &plan.topic.name;
    let Some(state) = &plan.state else {
        let state = match admin.create(&plan.topic).await? {
            Creation::Created => "created",
            Creation::Existed => "exists",
        };
        println!("{state:8} {name}");
        return Ok(());
    };
    if plan.changes.iter().any(|change| matches!(change, Difference::Partitions { .. })) {
        admin.add_partitions(name, plan.topic.partitions).await?;
    }
    let settings: Vec<(&str, &str)> = plan.changes.iter().filter_map(setting).collect();
    if !settings.is_empty() {
        admin.set(name, state, &settings).await?;
    }
    report(plan);
    Ok(())
}

fn setting(difference: &Difference) -> Option<(&str, &str)> {
    match difference {
        Difference::Setting { name, asked, .. } => Some((name, asked)),
        _ => None,
    }
}

fn report(plan: &Plan) {
    let name = &plan.topic.name;
    if plan.changes.is_empty() && plan.left.is_empty() {
        println!("{:8} {name}", "exists");
    }
    for change in &plan.changes {
        println!("{:8} {name}: had {change}", "changed");
    }
    for left in &plan.left {
        println!("{:8} {name}: {left} ({})", "differs", left.remedy());
    }
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
            // Times by the clock of the broker: the clock of a producer may be wrong.
            ("message.timestamp.type", "LogAppendTime".to_owned()),
        ],
    }
}
