//! Wiring: connects the clients, builds the state and starts the tasks.
//!
//! Tasks stop in the reverse order of their start: the HTTP server first, then the tasks for
//! Postgres, the reader of replies, and the producer.

use std::sync::Arc;
use std::time::Duration;

use abacus_exchange::{
    Exchange, Publisher, ReplyAddress, ReplyReader, ReplySubject, Signer, Waiters, read_replies,
};
use abacus_http::server::HttpServer;
use abacus_identity::{FEED_TIMEOUT, Identity, Pools};
use abacus_kafka::{
    Delivery, Duplicates, PartitionReader, Producer, ProducerSettings, ReadMetrics, ReadMonitor,
    StickyPartitioner,
};
use abacus_registry::SchemaRegistry;
use abacus_runtime::Runtime;
use abacus_schemas::{ComputeCompleted, ComputeRequested};
use anyhow::Context as _;
use axum::response::{IntoResponse as _, Response};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::api::{AppState, Edge, Shared, router, write_catalog};
use crate::config::IngressConfig;
use crate::log::{LoggedRequest, RequestLog, pool};
use crate::metrics::{IdentityMetrics, LimitMetrics, Metrics};
use crate::problems::{Error, Failure};
use crate::quotas::Quotas;
use crate::requests::{
    Deliveries, EventLog, Idempotency, Lag, RequestExchange, RequestScanner, Requests,
    report_deliveries, search_event_log, watch,
};

/// First part of the Kafka client name; the name of the instance follows.
const CLIENT_NAME_PREFIX: &str = "abacus-ingress";
/// Largest size of the producer's queue, in bytes.
const QUEUE_BYTES: u64 = 64 << 20;
/// Shutdown budget of the reader of replies. The reader checks for a shutdown ten times a second;
/// closing the consumer takes the rest.
const REPLIES_BUDGET: Duration = Duration::from_secs(3);
/// Shutdown budget of the watcher, longer than the time limit of a query to the request log.
const WATCHER_BUDGET: Duration = Duration::from_secs(4);
/// Shutdown budget for storing the last delivery reports of requests with a key.
const KEYS_BUDGET: Duration = Duration::from_secs(8);
/// Shutdown budget of the search of the event log, which ends at once.
const SEARCH_BUDGET: Duration = Duration::from_secs(1);
/// Time for flushing the producer beyond the delivery timeout. The delivery timeout ends every wait
/// in the producer.
const FLUSH_MARGIN: Duration = Duration::from_secs(1);
/// Interval between two checks of the producer for a fatal error.
const PRODUCER_CHECK: Duration = Duration::from_secs(1);

/// Waiters for replies and for outcomes in the request log.
type RequestWaiters = Waiters<ComputeRequested, LoggedRequest>;

/// Connects to every configured system and starts the tasks.
pub async fn start(config: IngressConfig, runtime: Runtime) -> anyhow::Result<()> {
    if config.record_keys.is_none() {
        tracing::warn!(
            "ABACUS_RECORD_KEY is not set: requests are unsigned, and in no user's list"
        );
    }
    let metrics = Metrics::register(runtime.metrics())?;
    let limits = LimitMetrics::register(runtime.metrics())?;
    let waiters = Waiters::new(config.exchange.max_waiters, operand_bytes, metrics.waiters.clone());
    let waiters = Arc::new(waiters);
    let state = state(&config, &runtime, &waiters, metrics, &limits).await?;
    let router = router(Shared::new(state));
    let server =
        HttpServer::open(&config.server, &config.edge, limits.http(), router, too_many_connections);
    server?.spawn(&runtime, move || waiters.end_all());
    Ok(())
}

async fn state(
    config: &IngressConfig,
    runtime: &Runtime,
    waiters: &Arc<RequestWaiters>,
    metrics: Metrics,
    limits: &LimitMetrics,
) -> anyhow::Result<AppState> {
    let quotas = Quotas::open(&config.quotas, config.exchange.max_waiters, &limits.quota())?;
    let quotas = Arc::new(quotas);
    let log = Arc::new(RequestLog::new(&config.postgres_url)?);
    let (deliveries, reports) = Deliveries::new();
    let listeners = DeliveryListeners {
        waiters: Arc::clone(waiters),
        deliveries: Arc::new(deliveries),
        lag: Arc::new(Lag::default()),
    };
    let (lag, deliveries) = (Arc::clone(&listeners.lag), Arc::clone(&listeners.deliveries));
    let exchange = Arc::new(exchange(config, runtime, listeners, &metrics).await?);
    spawn_watcher(runtime, &exchange, &log, &metrics);
    let delivery = config.publisher.delivery_timeout;
    let keys = config.idempotency.keys(log.connections(), &config.topics.requested, delivery);
    let reported = keys.clone();
    runtime.spawn("idempotency", KEYS_BUDGET, |stop| report_deliveries(reported, reports, stop));
    let event_log = spawn_search(config, runtime);
    let idempotency = Idempotency { keys, deliveries, event_log };
    let feed = pool(&config.postgres_url, 1, FEED_TIMEOUT)?;
    let pools = Pools { shared: log.connections(), feed };
    let identity_metrics = IdentityMetrics::register(runtime.metrics())?.identity();
    let max_body = config.server.max_body.as_u64();
    Ok(AppState {
        identity: Identity::open(&config.identity, pools, runtime, identity_metrics)?,
        quotas: Arc::clone(&quotas),
        requests: Requests {
            exchange,
            quotas,
            idempotency,
            log: Arc::clone(&log),
            lag,
            limits: config.limits,
            metrics: metrics.clone(),
        },
        log,
        edge: Edge::new(&config.edge, limits.http()),
        max_body,
        catalog: write_catalog(&config.limits, max_body)?,
        metrics,
        stopping: runtime.shutting_down(),
    })
}

/// Connects the exchange, and starts the producer's task and the reader of replies.
async fn exchange(
    config: &IngressConfig,
    runtime: &Runtime,
    listeners: DeliveryListeners,
    metrics: &Metrics,
) -> anyhow::Result<RequestExchange> {
    let registry = SchemaRegistry::new(&config.registry)?;
    let encoder = registry.encoder(&config.topics.requested).await?;
    let decoder = registry.decoder(&config.topics.completed).await?;
    let waiters = Arc::clone(&listeners.waiters);
    let reads = ReadMetrics::register(runtime.metrics())?;
    let monitor = ReadMonitor::new(reads, Some(runtime.readiness("reply-partition")));
    let kafka = connect(config, listeners, metrics.exchange(), monitor).await?;
    spawn_producer(runtime, config, &kafka.producer);
    let replies = Arc::new(ReplyReader { decoder, subject });
    spawn_reader(runtime, kafka.reader, &replies, &waiters, metrics.exchange())?;
    let transport = Publisher {
        producer: kafka.producer,
        encoder,
        partitioner: StickyPartitioner::new(kafka.partitions, config.publisher.stickiness),
        topic: config.topics.requested.clone(),
        reply_to: kafka.reply_to,
        signer: config.record_keys.clone().map(|keys| -> Signer<ComputeRequested> {
            Box::new(move |request| keys.sign(request))
        }),
        metrics: metrics.exchange(),
    };
    let (wait, acceptance) = (config.exchange.wait, config.publisher.delivery_timeout);
    Ok(Exchange { waiters, transport, replies, registry, wait, acceptance })
}

/// The Kafka clients, the number of request partitions, and the reply address of this instance.
struct KafkaClients {
    producer: Arc<Producer>,
    reader: PartitionReader,
    partitions: u32,
    reply_to: ReplyAddress,
}

/// Receivers of the producer's delivery reports.
struct DeliveryListeners {
    waiters: Arc<RequestWaiters>,
    deliveries: Arc<Deliveries>,
    lag: Arc<Lag>,
}

impl DeliveryListeners {
    fn report(&self, id: Uuid, delivery: Delivery) {
        match delivery {
            Delivery::Written => {
                self.waiters.mark_written(id);
                self.deliveries.mark_written(id);
                self.lag.mark_written(id);
            }
            Delivery::Failed(code) => {
                self.waiters.mark_failed(id, code.to_string());
                self.deliveries.mark_failed(id);
            }
        }
    }
}

async fn connect(
    config: &IngressConfig,
    listeners: DeliveryListeners,
    metrics: abacus_exchange::Metrics,
    monitor: ReadMonitor,
) -> anyhow::Result<KafkaClients> {
    let config = config.clone();
    spawn_blocking(move || {
        let producer = producer(&config, listeners, metrics)?;
        let partitions = producer.partition_count(&config.topics.requested)?;
        let reply_partitions = producer.partition_count(&config.topics.replies)?;
        let partition = config.replies.choose(reply_partitions)?;
        let reply_to = ReplyAddress { topic: config.topics.replies.clone(), partition };
        let name = client_name(&config);
        let reader =
            PartitionReader::open(&config.kafka, &name, &reply_to.topic, partition, monitor)?;
        Ok(KafkaClients { producer: Arc::new(producer), reader, partitions, reply_to })
    })
    .await?
}

fn producer(
    config: &IngressConfig,
    listeners: DeliveryListeners,
    metrics: abacus_exchange::Metrics,
) -> anyhow::Result<Producer> {
    let settings = ProducerSettings {
        name: client_name(config),
        delivery_timeout: config.publisher.delivery_timeout,
        // A request written twice would be computed and completed twice.
        duplicates: Duplicates::Never,
        queue_bytes: QUEUE_BYTES,
    };
    let on_delivery = move |token, delivery| {
        let is_written = delivery == Delivery::Written;
        metrics.count_delivery(if is_written { "written" } else { "failed" });
        listeners.report(Uuid::from_u128(token), delivery);
    };
    Ok(Producer::connect(&config.kafka, &settings, on_delivery)?)
}

fn client_name(config: &IngressConfig) -> String {
    format!("{CLIENT_NAME_PREFIX}-{}", config.replies.instance)
}

/// Starts the task of the producer. The task ends the process after a fatal error, and flushes the
/// queued requests at a shutdown.
fn spawn_producer(runtime: &Runtime, config: &IngressConfig, producer: &Arc<Producer>) {
    let timeout = config.publisher.delivery_timeout + FLUSH_MARGIN;
    let producer = Arc::clone(producer);
    runtime.spawn("producer", timeout + FLUSH_MARGIN, move |shutdown| async move {
        while tokio::time::timeout(PRODUCER_CHECK, shutdown.requested()).await.is_err() {
            producer.check()?;
        }
        spawn_blocking(move || producer.flush(timeout))
            .await?
            .context("requests remained in the producer's queue")
    });
}

/// Starts the task that searches the event log for requests of crashed instances.
fn spawn_search(config: &IngressConfig, runtime: &Runtime) -> EventLog {
    let (event_log, searches) = EventLog::new();
    let scanner = RequestScanner {
        kafka: config.kafka.clone(),
        client: format!("{}-search", client_name(config)),
        topic: config.topics.requested.clone(),
    };
    runtime.spawn("event-log", SEARCH_BUDGET, |stop| search_event_log(scanner, searches, stop));
    event_log
}

fn spawn_watcher(
    runtime: &Runtime,
    exchange: &Arc<RequestExchange>,
    log: &Arc<RequestLog>,
    metrics: &Metrics,
) {
    let (exchange, log, metrics) = (Arc::clone(exchange), Arc::clone(log), metrics.clone());
    runtime.spawn("watcher", WATCHER_BUDGET, move |stop| watch(exchange, log, metrics, stop));
}

fn spawn_reader(
    runtime: &Runtime,
    reader: PartitionReader,
    replies: &Arc<ReplyReader<ComputeCompleted>>,
    waiters: &Arc<RequestWaiters>,
    metrics: abacus_exchange::Metrics,
) -> anyhow::Result<()> {
    let (replies, waiters) = (Arc::clone(replies), Arc::clone(waiters));
    runtime.readiness("replies").ready();
    runtime.spawn_thread("replies", REPLIES_BUDGET, move |shutdown| {
        read_replies(reader, &replies, &waiters, &metrics, &shutdown)
    })
}

/// Returns the request that a reply is about.
#[expect(clippy::unnecessary_wraps, reason = "the exchange allows replies without a subject")]
fn subject(reply: &ComputeCompleted) -> Option<ReplySubject<'_>> {
    Some(ReplySubject { request_id: &reply.request_id, operation: &reply.operation })
}

/// Returns the size of a request's operands in bytes: the part of variable size.
fn operand_bytes(request: &ComputeRequested) -> usize {
    request.operands.iter().map(|(name, text)| name.len() + text.len()).sum()
}

/// Answers a connection above the connection limits.
fn too_many_connections() -> Response {
    Failure::from(Error::TooManyConnections).into_response()
}
