//! Metrics of the processor.

use std::time::Duration;

use abacus_operations::{Prepared, all, recomputed_products};

use crate::dead_letter::Class;
use crate::lane::Lane;
use crate::refusal::Refusal;

abacus_runtime::metrics! {
    /// Metrics of the processor.
    pub(crate) struct Metrics {
        /// Answered requests by operation and outcome; an operation that does not exist is "unknown".
        pub(crate) answered: IntCounterVec = "abacus_processor_answered_total",
            labels ["operation" in operations(), "outcome" in ["succeeded", "failed"]];
        /// Computations by operation, without answers from a cache.
        pub(crate) computed: IntCounterVec = "abacus_processor_computed_total",
            labels ["operation" in operations()];
        /// Nanoseconds of CPU time per estimated word operation of a computation. Admission and lanes
        /// depend on the estimate: a median far from 1 means a wrong estimate for this machine.
        pub(crate) cost_ratio: HistogramVec = "abacus_processor_cost_ratio",
            labels ["operation" in operations()],
            buckets [0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5, 5.0, 10.0, 100.0];
        /// Estimated word operations of computations, by operation.
        pub(crate) predicted: IntCounterVec = "abacus_processor_predicted_word_operations_total",
            labels ["operation" in operations()];
        /// Seconds of CPU time of computations, by operation.
        pub(crate) computing: CounterVec = "abacus_processor_computing_seconds_total",
            labels ["operation" in operations()];
        /// Requests forwarded to the heavy lane.
        pub(crate) handed_over: IntCounter = "abacus_processor_handed_over_total";
        /// Computations interrupted because no caller waits any more: the deadline has passed, or the
        /// partition was revoked.
        pub(crate) interrupted: IntCounter = "abacus_processor_interrupted_total";
        /// Requests deferred because too many results wait for their transaction.
        pub(crate) deferred: IntCounter = "abacus_processor_deferred_total";
        /// Seconds of a worker's time per request.
        pub(crate) answering: Histogram = "abacus_processor_answering_seconds",
            buckets [0.000_01, 0.000_1, 0.001, 0.01, 0.1, 1.0, 10.0];
        /// Cache lookups by level and result.
        pub(crate) cache: IntCounterVec = "abacus_processor_cache_lookups_total",
            labels ["level" in ["memory", "redis"], "result" in ["hit", "miss", "invalid", "error", "skipped"]];
        /// Requests that waited for an equal computation in flight.
        pub(crate) shared: IntCounter = "abacus_processor_shared_computations_total";
        /// Replies by the result of sending: sent, or the reason of the refusal.
        pub(crate) replies: IntCounterVec = "abacus_processor_replies_total",
            labels ["result" in reply_results()];
        /// Reply topics of direct producers that are in use, or remembered as missing.
        pub(crate) reply_topics: IntGauge = "abacus_processor_reply_topics";
        /// Requests whose id was written before, by kind: a repeat with equal content, or a conflict.
        pub(crate) recurrences: IntCounterVec = "abacus_processor_repeated_requests_total",
            labels ["kind" in ["repeat", "conflict"]];
        /// Unwritten replies that are sent again.
        pub(crate) sent_again: IntCounter = "abacus_processor_replies_sent_again_total";
        /// Replies given up: not written before the caller's deadline, or within two minutes.
        pub(crate) undelivered: IntCounter = "abacus_processor_replies_undelivered_total";
        /// Dead letters by class.
        pub(crate) dead_letters: IntCounterVec = "abacus_processor_dead_letters_total",
            labels ["class" in Class::ALL.map(Class::as_str)];
        /// Bursts of dead letters by cause: a producer; the registry, which stops the intake for a while;
        /// or unknown, because the registry did not answer.
        pub(crate) dead_letter_bursts: IntCounterVec = "abacus_processor_dead_letter_bursts_total",
            labels ["cause" in ["producer", "registry", "unknown"]];
        /// Products that failed a check and were recomputed by a second algorithm. Above 0 means a defect of
        /// the arithmetic or the machine.
        pub(crate) recomputed: IntGauge = "abacus_processor_recomputed_products";
        /// Panics while processing a request. A panic outside validation and computation ends the process.
        pub(crate) panics: IntCounter = "abacus_processor_panics_total";
        /// Busy workers by lane.
        pub(crate) busy: IntGaugeVec = "abacus_processor_busy_workers",
            labels ["lane" in Lane::ALL.map(Lane::as_str)];
        /// Requests waiting for a worker, by lane.
        pub(crate) queued: IntGaugeVec = "abacus_processor_queued_requests",
            labels ["lane" in Lane::ALL.map(Lane::as_str)];
    }
}

/// Smallest estimate for the cost ratio, in word operations: below, the ratio would measure the clock.
const MEASURABLE: u64 = 1000;

impl Metrics {
    /// Records a computation with its CPU time.
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

fn reply_results() -> impl Iterator<Item = &'static str> {
    Refusal::ALL.map(Refusal::as_str).into_iter().chain(["sent", "invalid"])
}

fn operations() -> impl Iterator<Item = &'static str> {
    all().iter().map(|operation| operation.name()).chain(["unknown"])
}
