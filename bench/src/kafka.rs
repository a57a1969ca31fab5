//! What every Kafka client of the bench shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use rdkafka::{ClientConfig, ClientContext};

/// A client that only asks or tells the cluster about itself.
pub(crate) fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("client.id", "abacus-bench")
        .set("socket.nagle.disable", "true")
        .set("allow.auto.create.topics", "false");
    config
}

/// A producer that waits for all replicas and writes nothing twice.
pub(crate) fn producer(bootstrap: &str) -> ClientConfig {
    let mut config = client(bootstrap);
    config.set("enable.idempotence", "true").set("acks", "all");
    config
}

/// Counts the records of a producer that were not written.
#[derive(Clone, Default)]
pub(crate) struct Deliveries {
    failed: Arc<AtomicU64>,
}

impl Deliveries {
    /// Errs if a record was not written.
    pub(crate) fn check(&self) -> Result<()> {
        let failed = self.failed.load(Ordering::Relaxed);
        ensure!(failed == 0, "{failed} records could not be written");
        Ok(())
    }
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
