//! Metrics of a stream.

abacus_runtime::metrics! {
    /// Metrics of one stream. A process with several streams registers each under a separate label.
    pub struct Metrics {
        /// Records received from Kafka.
        pub received: IntCounter = "abacus_stream_received_total";
        /// Records with committed outcome and offset.
        pub committed: IntCounter = "abacus_stream_committed_total";
        /// Commit batches (transactions, or writes and commits without them) by outcome; retried: the group had changed.
        pub transactions: IntCounterVec = "abacus_stream_transactions_total", labels ["outcome" in ["committed", "retried", "failed"]];
        /// Transactional producers replaced because a connection was lost during a transaction.
        pub replaced: IntCounter = "abacus_stream_producers_replaced_total";
        /// Seconds from the start of a commit batch to the end of its commit.
        pub commit: Histogram = "abacus_stream_commit_seconds",
            buckets [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0];
        /// Records received and not yet committed.
        pub pending: IntGauge = "abacus_stream_pending_records";
        /// Partitions assigned to this instance.
        pub assigned: IntGauge = "abacus_stream_assigned_partitions";
        /// Bytes of finished outputs that are not yet committed.
        pub uncommitted: IntGauge = "abacus_stream_held_bytes";
        /// Partitions paused because of their pending records.
        pub paused: IntGauge = "abacus_stream_paused_partitions";
        /// 1 while every partition is paused because the handler accepts no records.
        pub closed: IntGauge = "abacus_stream_intake_closed";
        /// Joins of the group by a new consumer, because the group had fenced the consumer before.
        pub rejoins: IntCounter = "abacus_stream_rejoins_total";
        /// Rewinds of the group to its committed offsets, after a failed commit batch.
        pub rewinds: IntCounter = "abacus_stream_rewinds_total";
    }
}
