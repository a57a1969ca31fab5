//! Metrics of partitions that cannot be read.

abacus_runtime::metrics! {
    /// Metrics of partitions that cannot be read.
    pub struct Metrics {
        /// Partitions that stand still in front of a record which cannot be read, by topic.
        pub blocked: IntGaugeVec = "abacus_kafka_blocked_partitions", labels ["topic"];
        /// Batches skipped because no client can read them, by topic.
        pub batches: IntCounterVec = "abacus_kafka_unreadable_batches_total", labels ["topic"];
        /// Offsets in skipped batches, by topic.
        pub offsets: IntCounterVec = "abacus_kafka_unreadable_offsets_total", labels ["topic"];
    }
}
