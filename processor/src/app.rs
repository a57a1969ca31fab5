//! The processor's parts, put together.

use std::sync::Arc;
use std::time::Duration;

use abacus_kafka::stream::{self, Committer, Source, StreamSettings};
use abacus_registry::SchemaRegistry;
use abacus_runtime::{ByteSize, Runtime};
use abacus_schemas::{ComputeCompleted, Encoder};
use tokio::runtime::Handle;

use crate::answering::Answering;
use crate::cache::{Cache, Redis};
use crate::calculator::Calculator;
use crate::config::ProcessorConfig;
use crate::intake::Intake;
use crate::metrics::Metrics;
use crate::workers::{self, Queue, Worker};

/// How long replies on their way may take at shutdown.
const FLUSH: Duration = Duration::from_secs(4);
/// Beyond its drain time, what a stage may take to stop.
const MARGIN: Duration = Duration::from_secs(4);

/// Starts the processor. Its parts stop in the reverse of the order they are started in here: the
/// source first, which drains and commits; the replies last.
pub async fn start(config: ProcessorConfig, runtime: Runtime) -> anyhow::Result<()> {
    let gate = runtime.readiness("stream");
    let metrics = Metrics::register(runtime.metrics())?;
    let stream_metrics =
        stream::Metrics::register_labelled(runtime.metrics(), &[("stream", "main")])?;
    let registry = Arc::new(SchemaRegistry::new(&config.registry)?);
    let encoder = registry.encoder(&config.topics.completed).await?;
    let decoder = Arc::new(registry.decoder(&config.topics.requested).await?);

    let config = Arc::new(config);
    let (answering, source, committer) =
        connect(Arc::clone(&config), encoder, metrics.clone(), stream_metrics).await?;

    let replies = Arc::clone(&answering);
    runtime.spawn("replies", FLUSH + MARGIN, move |shutdown| async move {
        shutdown.requested().await;
        tokio::task::spawn_blocking(move || replies.flush(FLUSH)).await?
    });
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
    let worker = Worker { jobs, calculator, metrics: metrics.clone() };
    workers::spawn(&runtime, worker_count(config.workers), worker)?;

    let intake =
        Intake { decoder, registry, answering, queue, metrics, runtime: Handle::current() };
    runtime.spawn_thread("source", config.stream.drain + MARGIN, move |shutdown| {
        Ok(source.run(|| shutdown.is_requested(), &intake)?)
    })?;
    gate.ready();
    Ok(())
}

/// Connects to Kafka off the async threads, as these calls block.
async fn connect(
    config: Arc<ProcessorConfig>,
    encoder: Encoder<ComputeCompleted>,
    metrics: Metrics,
    stream_metrics: stream::Metrics,
) -> anyhow::Result<(Arc<Answering>, Source, Arc<Committer>)> {
    let connecting = tokio::task::spawn_blocking(move || {
        let answering = Answering::connect(&config, encoder, metrics)?;
        let settings = stream_settings(&config);
        let (source, committer) = stream::open(&config.kafka, settings, stream_metrics)?;
        Ok((Arc::new(answering), source, committer))
    });
    connecting.await?
}

fn stream_settings(config: &ProcessorConfig) -> StreamSettings {
    let stream = &config.stream;
    StreamSettings {
        group: stream.group.clone(),
        instance: stream.instance.clone(),
        topics: vec![config.topics.requested.clone()],
        guarantee: stream.delivery,
        protocol: stream.protocol,
        commit_interval: stream.commit_interval,
        commit_records: stream.commit_records,
        commit_bytes: bytes(stream.commit_bytes),
        partition_backlog: stream.partition_backlog,
        partition_backlog_bytes: bytes(stream.partition_backlog_bytes),
        drain: stream.drain,
        hand_over: stream.hand_over,
    }
}

fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}

/// As many as set, or one for each core this process may use.
fn worker_count(set: usize) -> usize {
    if set > 0 { set } else { std::thread::available_parallelism().map_or(1, usize::from) }
}
