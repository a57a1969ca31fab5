//! What a stream counts.

abacus_runtime::metrics! {
    /// Counts of one stream.
    pub struct Metrics {
        /// Records received from Kafka.
        pub received: IntCounter = "abacus_stream_received_total";
        /// Records whose outcome and offset were committed.
        pub committed: IntCounter = "abacus_stream_committed_total";
        /// Transactions, by how they ended.
        pub transactions: IntCounterVec = "abacus_stream_transactions_total", labels ["outcome" in ["committed", "failed"]];
        /// Seconds from beginning a transaction to having committed it.
        pub commit: Histogram = "abacus_stream_commit_seconds",
            buckets [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];
        /// Records received and not yet committed.
        pub pending: IntGauge = "abacus_stream_pending_records";
        /// Partitions assigned to this instance.
        pub assigned: IntGauge = "abacus_stream_assigned_partitions";
        /// Partitions paused because too many of their records are pending.
        pub paused: IntGauge = "abacus_stream_paused_partitions";
        /// Times the group was rewound to its committed offsets after a failed transaction.
        pub rewinds: IntCounter = "abacus_stream_rewinds_total";
    }
}
