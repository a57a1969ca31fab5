//! Common settings of the bench's Kafka clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use rdkafka::{ClientConfig, ClientContext};

/// Settings of any client.
pub(crate) fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("client.id", "abacus-bench")
        .set("socket.nagle.disable", "true")
        .set("allow.auto.create.topics", "false");
    config
}

/// Settings of an idempotent producer that waits for all replicas.
pub(crate) fn producer(bootstrap: &str) -> ClientConfig {
    let mut config = client(bootstrap);
    config.set("enable.idempotence", "true").set("acks", "all");
    config
}

/// Counts records that a producer failed to write.
#[derive(Clone, Default)]
pub(crate) struct Deliveries {
    failed: Arc<AtomicU64>,
}

impl Deliveries {
    /// Fails if a record was not written.
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
