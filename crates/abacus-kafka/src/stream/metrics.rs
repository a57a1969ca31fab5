//! What a stream counts.

abacus_runtime::metrics! {
    /// Counts of one stream. Where a process has several, each is registered with a label of its own.
    pub struct Metrics {
        /// Records received from Kafka.
        pub received: IntCounter = "abacus_stream_received_total";
        /// Records whose outcome and offset were committed.
        pub committed: IntCounter = "abacus_stream_committed_total";
        /// Transactions, or what stands for them without, by how they ended: those retried met a change of the group.
        pub transactions: IntCounterVec = "abacus_stream_transactions_total", labels ["outcome" in ["committed", "retried", "failed"]];
        /// Seconds from beginning a transaction to having committed it.
        pub commit: Histogram = "abacus_stream_commit_seconds",
            buckets [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];
        /// Records received and not yet committed.
        pub pending: IntGauge = "abacus_stream_pending_records";
        /// Partitions assigned to this instance.
        pub assigned: IntGauge = "abacus_stream_assigned_partitions";
        /// Bytes of finished outputs that are not yet committed.
        pub uncommitted: IntGauge = "abacus_stream_held_bytes";
        /// Partitions paused because too much of theirs is pending.
        pub paused: IntGauge = "abacus_stream_paused_partitions";
        /// 1 while every partition is paused because the handler accepts nothing.
        pub closed: IntGauge = "abacus_stream_intake_closed";
        /// Times the group was rewound to its committed offsets after a failed transaction.
        pub rewinds: IntCounter = "abacus_stream_rewinds_total";
    }
}
