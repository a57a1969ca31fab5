use prometheus::{Encoder as _, TextEncoder};

use super::*;

const BOUNDS: [f64; 2] = [0.5, 1.0];

crate::metrics! {
    /// Metrics of the tests.
    struct Metrics {
        /// Requests that were
        /// answered.
        requests: IntCounterVec = "abacus_test_requests_total",
            labels ["operation" in ["pow", "factorial"], "outcome" in ["succeeded", "failed"]];
        /// Errors by code.
        errors: IntCounterVec = "abacus_test_errors_total", labels ["code"];
        /// Requests that wait.
        waiting: IntGauge = "abacus_test_waiting";
        /// Time of a request.
        latency: Histogram = "abacus_test_latency_seconds", buckets BOUNDS;
        /// Time by lane.
        lanes: HistogramVec = "abacus_test_lane_seconds",
            labels ["lane" in ["light"]], buckets [0.25];
    }
}

fn exported(registry: &Registry) -> String {
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn the_doc_comment_is_the_help_text() {
    let registry = Registry::new();
    Metrics::register(&registry).unwrap();
    let text = exported(&registry);
    assert!(text.contains("# HELP abacus_test_requests_total Requests that were answered."));
    assert!(text.contains("# HELP abacus_test_waiting Requests that wait."));
}

#[test]
fn closed_labels_are_exported_as_zeros_in_every_combination() {
    let registry = Registry::new();
    Metrics::register(&registry).unwrap();
    let text = exported(&registry);
    for operation in ["pow", "factorial"] {
        for outcome in ["succeeded", "failed"] {
            let labels = format!("operation=\"{operation}\",outcome=\"{outcome}\"");
            assert!(text.contains(&format!("abacus_test_requests_total{{{labels}}} 0")), "{text}");
        }
    }
    assert!(text.contains("abacus_test_lane_seconds_count{lane=\"light\"} 0"));
    assert!(!text.contains("abacus_test_errors_total{"));
}

#[test]
fn open_labels_can_be_initialised_at_run_time() {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    initialise(&metrics.errors, &[&["too-large"]]).unwrap();
    assert!(exported(&registry).contains("abacus_test_errors_total{code=\"too-large\"} 0"));
    assert!(initialise(&metrics.errors, &[&["too-large"], &["surplus"]]).is_err());
}

#[test]
fn buckets_are_those_declared() {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    metrics.latency.observe(0.75);
    metrics.waiting.set(3);
    metrics.requests.with_label_values(&["pow", "failed"]).inc();
    metrics.lanes.with_label_values(&["light"]).observe(0.1);
    let text = exported(&registry);
    assert!(text.contains("abacus_test_latency_seconds_bucket{le=\"0.5\"} 0"));
    assert!(text.contains("abacus_test_latency_seconds_bucket{le=\"1\"} 1"));
    assert!(text.contains("abacus_test_lane_seconds_bucket{lane=\"light\",le=\"0.25\"} 1"));
}

#[test]
fn a_name_can_be_registered_once() {
    let registry = Registry::new();
    Metrics::register(&registry).unwrap();
    assert!(Metrics::register(&registry).is_err());
}

#[test]
fn labels_and_buckets_need_a_kind_that_has_them() {
    let labelled = Description::new("a", &["A"]).labels([Label::open("x")]);
    assert!(IntCounter::create(&labelled).unwrap_err().to_string().contains("Vec"));
    let bucketed = Description::new("a", &["A"]).buckets([1.0]);
    assert!(IntGauge::create(&bucketed).unwrap_err().to_string().contains("histogram"));
}

#[test]
fn parts_of_one_kind_are_told_apart_by_a_label() {
    let registry = Registry::new();
    let first = Metrics::register_labelled(&registry, &[("part", "first")]).unwrap();
    let second = Metrics::register_labelled(&registry, &[("part", "second")]).unwrap();
    assert!(Metrics::register_labelled(&registry, &[("part", "second")]).is_err());
    first.waiting.set(1);
    second.waiting.set(2);
    second.requests.with_label_values(&["pow", "failed"]).inc();
    let text = exported(&registry);
    assert_eq!(text.matches("# HELP abacus_test_waiting ").count(), 1);
    assert!(text.contains("abacus_test_waiting{part=\"first\"} 1"));
    assert!(text.contains("abacus_test_waiting{part=\"second\"} 2"));
    let labels = "operation=\"pow\",outcome=\"failed\",part=\"second\"";
    assert!(text.contains(&format!("abacus_test_requests_total{{{labels}}} 1")), "{text}");
}
