//! Wiring of the projector.

use std::time::Duration;

use abacus_kafka::{ReadMetrics, ReadMonitor};
use abacus_runtime::Runtime;
use tokio::runtime::Handle;
use tracing::warn;

use crate::config::ProjectorConfig;
use crate::database::Database;
use crate::metrics::Metrics;
use crate::projection::{Gates, Projection, Tools};

/// Time limit of a stop: the current batch, whose transaction may take a whole write time limit
/// ([`crate::database`]), and leaving the consumer group.
const STOP_BUDGET: Duration = Duration::from_secs(25);

/// Starts the projector: a thread reads from Kafka and writes to Postgres through the tokio
/// runtime.
pub async fn start(config: ProjectorConfig, runtime: Runtime) -> anyhow::Result<()> {
    if config.record_keys.is_none() {
        warn!(
            "ABACUS_RECORD_KEY is not set: every request counts as unsigned, and is in no user's list"
        );
    }
    let metrics = Metrics::register(runtime.metrics())?;
    let gates = Gates {
        kafka: runtime.readiness("kafka"),
        postgres: runtime.readiness("postgres"),
        registry: runtime.readiness("registry"),
    };
    let reads = ReadMonitor::new(
        ReadMetrics::register(runtime.metrics())?,
        Some(runtime.readiness("partitions")),
    );
    let tokio = Handle::current();
    let database = Database::new(&config.database, tokio.clone());
    let tools = Tools { database, tokio, metrics, reads, gates };
    runtime.spawn_thread("projection", STOP_BUDGET, move |shutdown| {
        Ok(Projection::open(&config, tools, shutdown)?.run()?)
    })
}
