//! Wiring of the processor.

use std::sync::Arc;
use std::time::Duration;

use abacus_kafka::stream::{self, Committer, Source, StreamSettings};
use abacus_kafka::{ReadMetrics, ReadMonitor};
use abacus_registry::SchemaRegistry;
use abacus_runtime::{ReadinessGate, Runtime, to_usize};
use abacus_schemas::{ComputeRequested, Decoder};
use tokio::runtime::Handle;

use crate::cache::{Cache, Redis};
use crate::calculator::Calculator;
use crate::config::ProcessorConfig;
use crate::deferred::MemoryGate;
use crate::intake::{Intake, IntakeBreaker, SchemaLookups};
use crate::lane::Lane;
use crate::metrics::Metrics;
use crate::repeats::Repeats;
use crate::responder::{Encoders, Responder};
use crate::workers::{Queue, Workers};

/// Longest wait for unwritten replies at shutdown.
const FLUSH: Duration = Duration::from_secs(2);
/// Longest time to end a look-up of a reply topic at shutdown.
const LOOKUP_BUDGET: Duration = Duration::from_secs(11);
/// Time for a stage to stop, in addition to its drain time.
const MARGIN: Duration = Duration::from_secs(3);

/// Starts the processor. Shutdown stops the tasks in the reverse order of their start: first the
/// sources drain and commit, last the replies are flushed.
pub async fn start(config: ProcessorConfig, runtime: Runtime) -> anyhow::Result<()> {
    let gate = runtime.readiness("stream");
    let config = Arc::new(config);
    let metrics = Metrics::register(runtime.metrics())?;
    let registry = Arc::new(SchemaRegistry::new(&config.registry)?);
    let decoder = Arc::new(registry.decoder(&config.topics.requested).await?);
    let responder = connect_responder(&config, &registry, &metrics).await?;
    let parts = Parts {
        calculator: Arc::new(calculator(&config, &responder, &metrics)?),
        breaker: Arc::new(IntakeBreaker::new(config.dead_letters)),
        dead_letters: runtime.readiness("dead-letters"),
        config,
        registry,
        decoder,
        responder,
        metrics,
        reads: ReadMetrics::register(runtime.metrics())?,
    };

    parts.dead_letters.ready();
    let responder = Arc::clone(&parts.responder);
    runtime.spawn("replies", MARGIN, move |shutdown| async move {
        shutdown.requested().await;
        tokio::task::spawn_blocking(move || responder.flush(FLUSH)).await?
    });
    let responder = Arc::clone(&parts.responder);
    runtime.spawn_thread("reply-topics", LOOKUP_BUDGET, move |shutdown| {
        responder.look_up_topics(&shutdown);
        Ok(())
    })?;
    // The main lane starts last and stops first, so it never forwards to a stopped heavy lane.
    for lane in [Lane::Heavy, Lane::Main] {
        parts.start_lane(lane, &runtime).await?;
    }
    gate.ready();
    Ok(())
}

/// Components shared by the lanes.
struct Parts {
    config: Arc<ProcessorConfig>,
    registry: Arc<SchemaRegistry>,
    decoder: Arc<Decoder<ComputeRequested>>,
    responder: Arc<Responder>,
    calculator: Arc<Calculator>,
    breaker: Arc<IntakeBreaker>,
    dead_letters: ReadinessGate,
    metrics: Metrics,
    reads: ReadMetrics,
}

impl Parts {
    async fn start_lane(&self, lane: Lane, runtime: &Runtime) -> anyhow::Result<()> {
        let labels = [("stream", lane.as_str())];
        let metrics = stream::Metrics::register_labelled(runtime.metrics(), &labels)?;
        let gate = runtime.readiness(lane.task("partitions", "heavy-partitions"));
        let monitor = ReadMonitor::new(self.reads.clone(), Some(gate));
        let (source, committer) = self.open_stream(lane, metrics, monitor).await?;
        let uncommitted = committer.uncommitted_bytes();
        runtime.spawn_thread(
            lane.task("committer", "heavy-committer"),
            MARGIN,
            move |shutdown| Ok(committer.run(|| shutdown.is_requested())?),
        )?;

        let workers = &self.config.workers;
        let (queue, jobs) = Queue::new(lane, Repeats::new(workers.repeat_window), &self.metrics);
        let gate = MemoryGate { uncommitted, limit: to_usize(workers.uncommitted_results) };
        Workers::new(lane, jobs, gate, Arc::clone(&self.calculator), self.metrics.clone())
            .spawn(runtime, workers.threads(lane))?;

        let intake = self.intake(lane, queue);
        let budget = self.config.stream.drain + MARGIN;
        runtime.spawn_thread(lane.task("source", "heavy-source"), budget, move |shutdown| {
            Ok(source.run(|| shutdown.is_requested(), &intake)?)
        })
    }

    /// Joins the lane's group. Runs outside the async threads, because the calls block.
    async fn open_stream(
        &self,
        lane: Lane,
        metrics: stream::Metrics,
        monitor: ReadMonitor,
    ) -> anyhow::Result<(Source, Arc<Committer>)> {
        let config = Arc::clone(&self.config);
        let opening = tokio::task::spawn_blocking(move || {
            stream::open(&config.kafka, stream_settings(&config, lane), metrics, monitor)
        });
        Ok(opening.await??)
    }

    fn intake(&self, lane: Lane, queue: Queue) -> Intake {
        Intake {
            lane,
            topic: lane.topic(&self.config.topics).into(),
            schema_lookups: SchemaLookups::default(),
            decoder: Arc::clone(&self.decoder),
            registry: Arc::clone(&self.registry),
            responder: Arc::clone(&self.responder),
            queue,
            breaker: Arc::clone(&self.breaker),
            readiness: self.dead_letters.clone(),
            metrics: self.metrics.clone(),
            runtime: Handle::current(),
            max_record_bytes: self.config.registry.limits.record_bytes,
            logs: Arc::default(),
        }
    }
}

/// Connects the reply producer. Runs outside the async threads, because the call blocks.
async fn connect_responder(
    config: &Arc<ProcessorConfig>,
    registry: &SchemaRegistry,
    metrics: &Metrics,
) -> anyhow::Result<Arc<Responder>> {
    let encoders = Encoders {
        completed: registry.encoder(&config.topics.completed).await?,
        heavy: registry.encoder(&config.topics.requested_heavy).await?,
    };
    let (config, metrics) = (Arc::clone(config), metrics.clone());
    let connecting =
        tokio::task::spawn_blocking(move || Responder::connect(&config, encoders, metrics));
    Ok(Arc::new(connecting.await??))
}

fn calculator(
    config: &ProcessorConfig,
    responder: &Arc<Responder>,
    metrics: &Metrics,
) -> anyhow::Result<Calculator> {
    let redis = Redis::new(&config.cache, metrics.clone())?;
    let cache = Cache::new(config.cache.memory, redis, metrics.clone());
    let responder = Arc::clone(responder);
    Ok(Calculator::new(config.limits, config.costs, cache, responder, metrics.clone()))
}

fn stream_settings(config: &ProcessorConfig, lane: Lane) -> StreamSettings {
    let stream = &config.stream;
    let group = match lane {
        Lane::Main => stream.group.clone(),
        // Not a hyphen: a hyphen and the instance's name complete the `transactional.id`.
        Lane::Heavy => format!("{}.heavy", stream.group),
    };
    StreamSettings {
        group,
        instance: stream.instance.clone(),
        topics: vec![lane.topic(&config.topics).to_owned()],
        guarantee: stream.delivery,
        protocol: stream.protocol,
        commit_interval: stream.commit_interval,
        commit_records: stream.commit_records,
        commit_bytes: to_usize(stream.commit_bytes),
        partition_backlog: stream.partition_backlog,
        partition_backlog_bytes: to_usize(stream.partition_backlog_bytes),
        drain: stream.drain,
        hand_over: stream.hand_over,
    }
}
