//! Metrics of the projector.

use std::time::SystemTime;

use crate::authorship::Authorship;
use crate::batch::Batch;
use crate::database::{CommitSummary, TableSummary};
use crate::entry::{Content, SkipReason};
use crate::stored_offsets::OffsetUpdate;

pub(crate) const REQUESTED: &str = "compute_requested";
pub(crate) const COMPLETED: &str = "compute_completed";

abacus_runtime::metrics! {
    /// Metrics of the projector.
    pub(crate) struct Metrics {
        /// Rows inserted.
        pub(crate) rows: IntCounterVec = "abacus_projector_rows_total",
            labels ["table" in [REQUESTED, COMPLETED]];
        /// Records without a row, by reason.
        pub(crate) skipped: IntCounterVec = "abacus_projector_skipped_records_total",
            labels ["reason" in SkipReason::ALL.map(SkipReason::as_str)];
        /// Rows with a changed value, because Postgres cannot hold the original: a NUL character,
        /// a time before its calendar, a requester of more than 1000 bytes.
        pub(crate) altered: IntCounter = "abacus_projector_altered_rows_total";
        /// Row conflicts: events whose request id already has a row with different content; the
        /// first row stays.
        pub(crate) conflicts: IntCounterVec = "abacus_projector_clashes_total",
            labels ["table" in [REQUESTED, COMPLETED]];
        /// Requests written, by the check of their signature. Forged: the signature is wrong, or the
        /// key differs from the key of the ingress.
        pub(crate) requests: IntCounterVec = "abacus_projector_requests_total",
            labels ["author" in Authorship::ALL.map(Authorship::as_str)];
        /// Records in a transaction.
        pub(crate) batch: Histogram = "abacus_projector_batch_records",
            buckets [1.0, 10.0, 100.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0];
        /// Duration of a transaction, from the begin to the answer to the commit.
        pub(crate) commit: Histogram = "abacus_projector_commit_seconds",
            buckets [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
        /// Transactions without a confirmed commit: the database was away, gave no answer, refused
        /// a value, or reported an offset conflict with another projector.
        pub(crate) database_errors: IntCounterVec = "abacus_projector_database_errors_total",
            labels ["kind" in ["away", "unanswered", "refused", "overtaken"]];
        /// Partitions without their stored offset in Kafka, as after a re-creation of the topic.
        pub(crate) restarts: IntCounter = "abacus_projector_topic_restarts_total";
        /// Offset of the first record that Postgres does not have yet.
        pub(crate) next_offset: IntGaugeVec = "abacus_projector_next_offset",
            labels ["topic", "partition"];
        /// Age of the last completion at the commit of its row, since Kafka appended it.
        pub(crate) delay: Gauge = "abacus_projector_delay_seconds";
    }
}

impl Metrics {
    /// Records a confirmed commit.
    pub(crate) fn committed(&self, batch: &Batch, summary: &CommitSummary) {
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        self.batch.observe(batch.entries().len() as f64);
        self.commit.observe(summary.took.as_secs_f64());
        self.table(REQUESTED, &summary.requested);
        self.table(COMPLETED, &summary.completed);
    }

    /// Records the next offsets of partitions.
    pub(crate) fn offsets_committed(&self, updates: &[OffsetUpdate]) {
        for update in updates {
            let partition = update.partition.partition.to_string();
            let labels = [&*update.partition.topic, partition.as_str()];
            self.next_offset.with_label_values(&labels).set(update.next);
        }
    }

    fn table(&self, table: &str, summary: &TableSummary) {
        self.rows.with_label_values(&[table]).inc_by(summary.rows);
        self.conflicts.with_label_values(&[table]).inc_by(summary.conflicts.len() as u64);
    }

    /// Records the entries of a committed batch.
    pub(crate) fn entries_committed(&self, batch: &Batch) {
        for entry in batch.entries() {
            match &entry.content {
                Content::Skipped(reason) => {
                    self.skipped.with_label_values(&[reason.as_str()]).inc();
                }
                Content::Rejected(rejection) => {
                    self.skipped.with_label_values(&[rejection.reason.as_str()]).inc();
                }
                Content::Requested(row) => {
                    self.altered.inc_by(row.altered.into());
                    self.requests.with_label_values(&[row.authorship.as_str()]).inc();
                }
                Content::Completed(row) => {
                    self.altered.inc_by(row.altered.into());
                    self.delay.set(age(row.origin.appended_at));
                }
            }
        }
    }
}

/// Returns the age of `time`; zero for a time in the future, because clocks of different machines
/// differ.
fn age(time: SystemTime) -> f64 {
    time.elapsed().unwrap_or_default().as_secs_f64()
}
