//! The processor's parts, put together.

use std::sync::Arc;
use std::time::Duration;

use abacus_kafka::exactly_once::{self, StreamSettings};
use abacus_registry::SchemaRegistry;
use abacus_runtime::Runtime;
use tokio::runtime::Handle;

use crate::answering::Answering;
use crate::cache::{Cache, Redis};
use crate::calculator::Calculator;
use crate::config::ProcessorConfig;
use crate::intake::Intake;
use crate::metrics::Metrics;
use crate::workers::{self, Queue};

/// Beyond its drain time, what a stage may take to stop.
const MARGIN: Duration = Duration::from_secs(5);

/// Starts the processor. Its parts stop in the reverse of the order they are started in here: the
/// source first, which drains and commits; the replies last.
pub async fn start(config: ProcessorConfig, runtime: Runtime) -> anyhow::Result<()> {
    let gate = runtime.readiness("stream");
    let metrics = Metrics::register(runtime.metrics())?;
    let stream_metrics = exactly_once::Metrics::register(runtime.metrics())?;
    let registry = Arc::new(SchemaRegistry::new(&config.registry)?);
    let encoder = registry.encoder(&config.topics.completed).await?;
    let decoder = Arc::new(registry.decoder(&config.topics.requested).await?);

    let answering = Arc::new(Answering::connect(&config, encoder, metrics.clone())?);
    let replies = Arc::clone(&answering);
    runtime.spawn("replies", MARGIN, move |shutdown| async move {
        shutdown.requested().await;
        tokio::task::spawn_blocking(move || replies.flush(MARGIN)).await?
    });

    let (source, committer) =
        exactly_once::open(&config.kafka, stream_settings(&config), stream_metrics)?;
    runtime.spawn_thread("committer", MARGIN, move |shutdown| {
        Ok(committer.run(|| shutdown.is_requested())?)
    })?;

    let redis = Redis::new(&config.cache, metrics.clone())?;
    let calculator = Arc::new(Calculator::new(
        config.limits,
        config.cache.redis_minimum_cost,
        Cache::new(config.cache.memory, redis, metrics.clone()),
        Arc::clone(&answering),
        metrics.clone(),
    ));
    let (queue, jobs) = Queue::new(metrics.clone());
    workers::spawn(&runtime, worker_count(config.workers), &jobs, &calculator, &metrics)?;

    let intake =
        Intake { decoder, registry, answering, queue, metrics, runtime: Handle::current() };
    runtime.spawn_thread("source", config.stream.drain + MARGIN, move |shutdown| {
        Ok(source.run(|| shutdown.is_requested(), &intake)?)
    })?;
    gate.ready();
    Ok(())
}

fn stream_settings(config: &ProcessorConfig) -> StreamSettings {
    let stream = &config.stream;
    StreamSettings {
        group: stream.group.clone(),
        instance: stream.instance.clone(),
        topics: vec![config.topics.requested.clone()],
        commit_interval: stream.commit_interval,
        commit_records: stream.commit_records,
        commit_bytes: usize::try_from(stream.commit_bytes.as_u64()).unwrap_or(usize::MAX),
        partition_backlog: stream.partition_backlog,
        drain: stream.drain,
    }
}

/// As many as set, or one for each core this process may use.
fn worker_count(set: usize) -> usize {
    if set > 0 { set } else { std::thread::available_parallelism().map_or(1, usize::from) }
}
