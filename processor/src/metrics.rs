//! What the processor counts.

use std::time::Duration;

use abacus_operations::{Prepared, all, recomputed_products};

use crate::lane::Lane;

abacus_runtime::metrics! {
    /// Counts of the processor.
    pub(crate) struct Metrics {
        /// Requests answered, by operation and outcome; an operation that does not exist is "unknown".
        pub(crate) answered: IntCounterVec = "abacus_processor_answered_total",
            labels ["operation" in operations(), "outcome" in ["succeeded", "failed"]];
        /// Computations made, so not answered from a cache, by operation.
        pub(crate) computed: IntCounterVec = "abacus_processor_computed_total",
            labels ["operation" in operations()];
        /// Nanoseconds of a core that a computation took for each word operation it was estimated at. Admission and
        /// lanes rest on the estimate: a median far from 1 means that it no longer fits the machine.
        pub(crate) cost_ratio: HistogramVec = "abacus_processor_cost_ratio",
            labels ["operation" in operations()],
            buckets [0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 5.0, 10.0, 100.0];
        /// Estimated word operations of the computations made, by operation.
        pub(crate) predicted: IntCounterVec = "abacus_processor_predicted_word_operations_total",
            labels ["operation" in operations()];
        /// Seconds of a core that the computations made took, by operation.
        pub(crate) computing: CounterVec = "abacus_processor_computing_seconds_total",
            labels ["operation" in operations()];
        /// Requests handed to the heavy lane.
        pub(crate) handed_over: IntCounter = "abacus_processor_handed_over_total";
        /// Computations given up because nobody wanted them any more: past their deadline, or of a
        /// partition that has moved on.
        pub(crate) interrupted: IntCounter = "abacus_processor_interrupted_total";
        /// Requests that waited because too many results were waiting for their transaction.
        pub(crate) deferred: IntCounter = "abacus_processor_deferred_total";
        /// Seconds that a worker was busy with a request.
        pub(crate) answering: Histogram = "abacus_processor_answering_seconds",
            buckets [0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1.0, 10.0];
        /// Questions to the cache, by level and what came of them.
        pub(crate) cache: IntCounterVec = "abacus_processor_cache_lookups_total",
            labels ["level" in ["memory", "redis"], "result" in ["hit", "miss", "invalid", "error", "skipped"]];
        /// Requests that waited for the same computation made for another.
        pub(crate) shared: IntCounter = "abacus_processor_shared_computations_total";
        /// Replies, by what became of them when they were sent.
        pub(crate) replies: IntCounterVec = "abacus_processor_replies_total",
            labels ["result" in ["sent", "forbidden", "invalid", "failed"]];
        /// Times that a reply was not written and is sent again.
        pub(crate) sent_again: IntCounter = "abacus_processor_replies_sent_again_total";
        /// Replies that were given up: not written before their caller's deadline, or within two minutes.
        pub(crate) undelivered: IntCounter = "abacus_processor_replies_undelivered_total";
        /// Records that went to the dead-letter topic, by class.
        pub(crate) dead_letters: IntCounterVec = "abacus_processor_dead_letters_total",
            labels ["class" in ["malformed", "unknown-schema", "invalid-request-id"]];
        /// Products that failed their check and were computed again another way: not 0 means a defect, of
        /// the arithmetic or of the machine.
        pub(crate) recomputed: IntGauge = "abacus_processor_recomputed_products";
        /// Panics while a request was worked on; all but those of validation and computation end the process.
        pub(crate) panics: IntCounter = "abacus_processor_panics_total";
        /// Workers at work, by lane.
        pub(crate) busy: IntGaugeVec = "abacus_processor_busy_workers",
            labels ["lane" in Lane::ALL.map(Lane::as_str)];
        /// Requests waiting for a worker, by lane.
        pub(crate) queued: IntGaugeVec = "abacus_processor_queued_requests",
            labels ["lane" in Lane::ALL.map(Lane::as_str)];
    }
}

/// A computation is not measured against less than this: below, the clock is what is measured.
const MEASURABLE: u64 = 1000;

impl Metrics {
    pub(crate) fn note_computed(&self, prepared: &Prepared, elapsed: Duration) {
        let (operation, predicted) = (prepared.operation(), prepared.cost().word_operations());
        self.recomputed.set(i64::try_from(recomputed_products()).unwrap_or(i64::MAX));
        self.computed.with_label_values(&[operation]).inc();
        self.predicted.with_label_values(&[operation]).inc_by(predicted);
        self.computing.with_label_values(&[operation]).inc_by(elapsed.as_secs_f64());
        if predicted >= MEASURABLE {
            let predicted_seconds = Duration::from_nanos(predicted).as_secs_f64();
            let ratio = elapsed.as_secs_f64() / predicted_seconds;
            self.cost_ratio.with_label_values(&[operation]).observe(ratio);
        }
    }
}

fn operations() -> impl Iterator<Item = &'static str> {
    all().iter().map(|operation| operation.name()).chain(["unknown"])
}
