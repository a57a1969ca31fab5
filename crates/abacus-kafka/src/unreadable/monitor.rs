//! The reports of a consumer about partitions that cannot be read.

use std::collections::BTreeMap;
use std::sync::Arc;

use abacus_runtime::ReadinessGate;

use super::batch::UnreadableBatch;
use super::metrics::Metrics;

/// Reports of a consumer about partitions that cannot be read: metrics, and the readiness of the
/// process.
#[derive(Clone, Debug)]
pub struct ReadMonitor {
    metrics: Metrics,
    readiness: Option<ReadinessGate>,
}

impl ReadMonitor {
    /// A monitor with metrics, and a gate that is not ready while a partition stands still.
    pub fn new(metrics: Metrics, readiness: Option<ReadinessGate>) -> Self {
        if let Some(gate) = &readiness {
            gate.ready();
        }
        Self { metrics, readiness }
    }

    pub(super) fn skipped(&self, batch: &UnreadableBatch) {
        let topic = [&*batch.partition.topic];
        self.metrics.batches.with_label_values(&topic).inc();
        self.metrics.offsets.with_label_values(&topic).inc_by(batch.offsets());
    }

    /// Reports the number of partitions of each topic that stand still, and describes them; the
    /// text is empty if there are none.
    pub(super) fn blocked(&self, counts: &BTreeMap<Arc<str>, i64>, text: &str) {
        for (topic, count) in counts {
            self.metrics.blocked.with_label_values(&[&**topic]).set(*count);
        }
        if let Some(gate) = &self.readiness {
            if text.is_empty() { gate.ready() } else { gate.not_ready(text) }
        }
    }
}
