//! What the processor counts.

use abacus_operations::all;

abacus_runtime::metrics! {
    /// Counts of the processor.
    pub(crate) struct Metrics {
        /// Requests answered, by operation and outcome; an operation that does not exist is "unknown".
        pub(crate) answered: IntCounterVec = "abacus_processor_answered_total",
            labels ["operation" in operations(), "outcome" in ["succeeded", "failed"]];
        /// Computations made, so not answered from a cache, by operation.
        pub(crate) computed: IntCounterVec = "abacus_processor_computed_total",
            labels ["operation" in operations()];
        /// Seconds from taking a request up to having its answer.
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
        /// Replies that were sent and then not written.
        pub(crate) undelivered: IntCounter = "abacus_processor_replies_undelivered_total";
        /// Records that went to the dead-letter topic, by class.
        pub(crate) dead_letters: IntCounterVec = "abacus_processor_dead_letters_total",
            labels ["class" in ["malformed", "unknown-schema", "invalid-request-id"]];
        /// Computations that panicked.
        pub(crate) panics: IntCounter = "abacus_processor_panics_total";
        /// Requests waiting for a worker.
        pub(crate) queued: IntGauge = "abacus_processor_queued_requests";
    }
}

fn operations() -> impl Iterator<Item = &'static str> {
    all().iter().map(|operation| operation.name()).chain(["unknown"])
}
