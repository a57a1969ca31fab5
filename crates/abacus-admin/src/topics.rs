//! `abacus-admin topics`.

mod plan;

use std::time::{Duration, Instant};

use abacus_kafka::admin::{Creation, Topic, TopicAdmin};
use abacus_schemas::topics::TopicSpec;
use anyhow::{bail, ensure};
use clap::{Args, Subcommand};

use self::plan::{Allowed, Difference, Plan, refusals};
use crate::Settings;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Creates the topics that do not exist, and says where the others are not as asked for.
    ///
    /// Without a flag, topics that exist stay as they are: what an operator has changed by hand, a
    /// deployment does not undo. Whatever cannot be done is refused before anything is done.
    Apply(Apply),
}

#[derive(Args)]
pub(crate) struct Apply {
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
    /// Raises topics with fewer partitions to the number asked for. More cannot become fewer.
    ///
    /// Completions are raised before requests. Services find new partitions within five minutes, an
    /// ingress when it is restarted: restart the processors first, then the ingress.
    #[arg(long)]
    add_partitions: bool,
    /// Gives retention and the largest record the values asked for, where they differ.
    #[arg(long)]
    update_settings: bool,
}

/// How long a new topic may take until all know it, and how often it is asked for.
const PATIENCE: Duration = Duration::from_secs(30);
const KNOWN_INTERVAL: Duration = Duration::from_millis(50);

pub(crate) async fn run(Command::Apply(apply): Command, settings: &Settings) -> anyhow::Result<()> {
    let admin = TopicAdmin::new(&settings.kafka)?;
    let allowed = Allowed { partitions: apply.add_partitions, settings: apply.update_settings };
    let mut plans = Vec::new();
    for spec in settings.topics.specs(apply.partitions, apply.reply_partitions) {
        let topic = topic(spec, apply.replication);
        let state = admin.describe(&topic.name).await?;
        plans.push(Plan::new(topic, state, allowed));
    }
    let of_requests = settings.topics.of_requests();
    let refusals = refusals(&plans, &settings.topics.completed, &of_requests);
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

/// A service that starts right after this must find every topic.
async fn wait_until_known(admin: &TopicAdmin, name: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !admin.is_known(name)? {
        ensure!(
            Instant::now() < deadline,
            "{name} was created, but the brokers do not know it yet"
        );
        tokio::time::sleep(KNOWN_INTERVAL).await;
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
        ],
    }
}
