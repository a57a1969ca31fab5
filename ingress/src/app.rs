//! Wiring. Tasks stop in the reverse order: HTTP first, then the replies it waits for, then the
//! producer.

use std::sync::Arc;
use std::time::Duration;

use abacus_kafka::{
    Delivery, Duplicates, PartitionReader, Producer, ProducerSettings, StickyPartitioner,
};
use abacus_registry::SchemaRegistry;
use abacus_runtime::Runtime;
use anyhow::Context as _;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::computations::lag::Lag;
use crate::computations::request_log::RequestLog;
use crate::computations::watcher;
use crate::compute::catalog;
use crate::config::IngressConfig;
use crate::exchange::Exchange;
use crate::exchange::publisher::{Publisher, ReplyAddress};
use crate::exchange::replies;
use crate::exchange::waiters::Waiters;
use crate::idempotency::{self, Deliveries, Idempotency};
use crate::identity::{FEED_TIMEOUT, Identity, Pools};
use crate::metrics::Metrics;
use crate::postgres;
use crate::protection::{self, Protection};
use crate::state::AppState;
use crate::{routes, server};

/// The client's name at the broker, before the instance's.
const CLIENT: &str = "abacus-ingress";
/// Requests that wait to be written may hold this much memory.
const QUEUE_BYTES: u64 = 64 << 20;
/// The reader looks at its shutdown ten times a second; closing it takes the rest.
const REPLIES_BUDGET: Duration = Duration::from_secs(3);
/// A question to the request log is given up after this.
const WATCHER_BUDGET: Duration = Duration::from_secs(4);
/// The last fates of requests with a key are told within this.
const KEYS_BUDGET: Duration = Duration::from_secs(8);
/// On top of the delivery timeout, which ends every wait in the producer.
const FLUSH_MARGIN: Duration = Duration::from_secs(1);
/// How often the producer is asked whether it is broken for good.
const PRODUCER_CHECK: Duration = Duration::from_secs(1);

/// Connects everything the configuration names and starts the tasks.
pub async fn start(config: IngressConfig, runtime: Runtime) -> anyhow::Result<()> {
    let metrics = Metrics::register(runtime.metrics())?;
    let waiters = Arc::new(Waiters::new(config.exchange.max_waiters, metrics.waiters.clone()));
    let guards = protection::Metrics::register(runtime.metrics())?;
    let protection = Protection::open(&config.protection, config.exchange.max_waiters, &guards)?;
    let state = state(&config, &runtime, &waiters, metrics, protection).await?;
    let router = routes::router(Arc::new(state));
    let server = server::open(&config.server, &config.protection, guards, router).await?;
    server.spawn(waiters, &runtime);
    Ok(())
}

async fn state(
    config: &IngressConfig,
    runtime: &Runtime,
    waiters: &Arc<Waiters>,
    metrics: Metrics,
    protection: Protection,
) -> anyhow::Result<AppState> {
    let registry = SchemaRegistry::new(&config.registry)?;
    let encoder = registry.encoder(&config.topics.requested).await?;
    let decoder = registry.decoder(&config.topics.completed).await?;
    let (deliveries, feed) = Deliveries::new();
    let deliveries = Arc::new(deliveries);
    let lag = Arc::new(Lag::default());
    let audience = Audience {
        waiters: Arc::clone(waiters),
        deliveries: Arc::clone(&deliveries),
        lag: Arc::clone(&lag),
    };
    let kafka = connect(config, audience, metrics.clone()).await?;
    spawn(runtime, config, &kafka.producer);
    read_replies(runtime, kafka.reader, Arc::clone(waiters), metrics.clone())?;
    let publisher = Publisher {
        producer: kafka.producer,
        encoder,
        partitioner: StickyPartitioner::new(kafka.partitions, config.publisher.stickiness),
        topic: config.topics.requested.clone(),
        reply_to: kafka.reply_to,
        metrics: metrics.clone(),
    };
    let log = Arc::new(RequestLog::new(&config.postgres)?);
    watch(runtime, waiters, &log, &metrics);
    let feed_pool = postgres::pool(&config.postgres, 1, FEED_TIMEOUT)?;
    let pools = Pools { shared: log.connections(), feed: feed_pool };
    let delivery = config.publisher.delivery_timeout;
    let idempotency =
        Idempotency::new(&config.idempotency, log.connections(), delivery, deliveries);
    let store = idempotency.store();
    runtime.spawn("idempotency", KEYS_BUDGET, |shutdown| idempotency::keep(store, feed, shutdown));
    let (wait, acceptance) = (config.exchange.wait, config.publisher.delivery_timeout);
    let max_body = config.server.max_body.as_u64();
    Ok(AppState {
        identity: Identity::open(&config.identity, pools, runtime)?,
        protection,
        idempotency,
        exchange: Exchange {
            waiters: Arc::clone(waiters),
            publisher,
            decoder,
            registry,
            wait,
            acceptance,
        },
        log,
        lag,
        limits: config.limits,
        max_body,
        catalog: catalog::write(&config.limits, max_body)?,
        metrics,
        stopping: runtime.shutting_down(),
    })
}

/// The Kafka clients, and what they found.
struct Connected {
    producer: Arc<Producer>,
    reader: PartitionReader,
    partitions: u32,
    reply_to: ReplyAddress,
}

/// Who hears of the fate of a record.
struct Audience {
    waiters: Arc<Waiters>,
    deliveries: Arc<Deliveries>,
    lag: Arc<Lag>,
}

impl Audience {
    fn tell(&self, id: Uuid, delivery: Delivery) {
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
    audience: Audience,
    metrics: Metrics,
) -> anyhow::Result<Connected> {
    let config = config.clone();
    spawn_blocking(move || {
        let producer = producer(&config, audience, metrics)?;
        let partitions = producer.partition_count(&config.topics.requested)?;
        let reply_partitions = producer.partition_count(&config.topics.replies)?;
        let partition = config.replies.choose(reply_partitions)?;
        let reply_to = ReplyAddress { topic: config.topics.replies.clone(), partition };
        let name = client_name(&config);
        let reader = PartitionReader::open(&config.kafka, &name, &reply_to.topic, partition)?;
        Ok(Connected { producer: Arc::new(producer), reader, partitions, reply_to })
    })
    .await?
}

fn producer(
    config: &IngressConfig,
    audience: Audience,
    metrics: Metrics,
) -> anyhow::Result<Producer> {
    let settings = ProducerSettings {
        name: client_name(config),
        delivery_timeout: config.publisher.delivery_timeout,
        // A request that is written twice is computed and completed twice.
        duplicates: Duplicates::Never,
        queue_bytes: QUEUE_BYTES,
    };
    let on_delivery = move |token, delivery| {
        let is_written = delivery == Delivery::Written;
        metrics.count_delivery(if is_written { "written" } else { "failed" });
        audience.tell(Uuid::from_u128(token), delivery);
    };
    Ok(Producer::connect(&config.kafka, &settings, on_delivery)?)
}

fn client_name(config: &IngressConfig) -> String {
    format!("{CLIENT}-{}", config.replies.instance)
}

/// The producer runs by itself; its task is to end the process should it be broken for good, and to
/// write what it still holds when all else has stopped.
fn spawn(runtime: &Runtime, config: &IngressConfig, producer: &Arc<Producer>) {
    let timeout = config.publisher.delivery_timeout + FLUSH_MARGIN;
    let producer = Arc::clone(producer);
    runtime.spawn("producer", timeout + FLUSH_MARGIN, move |shutdown| async move {
        while tokio::time::timeout(PRODUCER_CHECK, shutdown.requested()).await.is_err() {
            producer.check()?;
        }
        spawn_blocking(move || producer.flush(timeout))
            .await?
            .context("requests were left unwritten")
    });
}

fn watch(runtime: &Runtime, waiters: &Arc<Waiters>, log: &Arc<RequestLog>, metrics: &Metrics) {
    let (waiters, log, metrics) = (Arc::clone(waiters), Arc::clone(log), metrics.clone());
    runtime.spawn("watcher", WATCHER_BUDGET, move |shutdown| {
        watcher::watch(waiters, log, metrics, shutdown)
    });
}

fn read_replies(
    runtime: &Runtime,
    reader: PartitionReader,
    waiters: Arc<Waiters>,
    metrics: Metrics,
) -> anyhow::Result<()> {
    runtime.readiness("replies").ready();
    runtime.spawn_thread("replies", REPLIES_BUDGET, move |shutdown| {
        replies::read(reader, &waiters, &metrics, &shutdown)
    })
}
