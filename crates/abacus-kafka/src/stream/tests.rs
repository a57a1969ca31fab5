//! Tests of a whole stream against librdkafka's mock cluster, with injected errors.
//!
//! The mock stores offsets but has no transaction markers. The workspace's `tests/` check the view of
//! readers with a real broker.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Answer};

mod coordinator;
mod fencing;
mod pace;
mod unreadable;

use super::*;
use crate::record::{InboundRecord, OutboundRecord};
use crate::unreadable::ReadMetrics;

const PATIENCE: Duration = Duration::from_secs(30);
const RECORDS: u64 = 10;

/// Publishes each record unchanged.
struct Echo;

impl Handler for Echo {
    fn on_record(&self, record: &InboundRecord<'_>, ack: AckHandle) {
        let output = OutboundRecord {
            topic: "out".into(),
            partition: Some(0),
            key: Vec::new(),
            payload: record.payload().to_vec(),
            headers: Vec::new(),
        };
        ack.finish(Some(output));
    }
}

struct Cluster(MockCluster<'static, DefaultProducerContext>);

impl Cluster {
    fn new() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("in", 1, 1).unwrap();
        cluster.create_topic("out", 1, 1).unwrap();
        Self(cluster)
    }

    fn config(&self) -> KafkaConfig {
        KafkaConfig::new(self.0.bootstrap_servers())
    }

    fn answer(&self, api: Api, answer: Answer, times: usize) {
        self.0.request_errors(api, &vec![answer; times]);
    }

    fn produce(&self) {
        self.produce_many(RECORDS);
    }

    fn produce_many(&self, count: u64) {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", self.0.bootstrap_servers())
            .create()
            .unwrap();
        for _ in 0..count {
            let record = BaseRecord::<(), _>::to("in").partition(0).payload("request");
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }
}

fn settings(guarantee: Guarantee) -> StreamSettings {
    StreamSettings {
        group: "group".to_owned(),
        instance: "one".to_owned(),
        topics: vec!["in".to_owned()],
        guarantee,
        protocol: GroupProtocol::Classic,
        commit_interval: Duration::from_millis(10),
        commit_records: 1000,
        commit_bytes: 1 << 20,
        partition_backlog: 1000,
        partition_backlog_bytes: 1 << 20,
        drain: Duration::from_secs(1),
        hand_over: Duration::from_millis(100),
    }
}

/// Counts of a stream, and the error of an early end.
struct Outcome {
    committed: u64,
    transactions: u64,
    retried: u64,
    failed: u64,
    rewinds: u64,
    rejoins: u64,
    assigned: i64,
    replaced: u64,
    uncommitted: usize,
    /// Time from the request to stop to the end.
    stopping: Duration,
    error: Option<Error>,
}

/// Runs a stream until all records are committed or the stream fails.
fn run(cluster: &Cluster, guarantee: Guarantee) -> Outcome {
    run_until(cluster, settings(guarantee), &Echo, |metrics| metrics.committed.get() >= RECORDS)
}

/// Runs a stream until `is_enough` or the stream fails.
fn run_until(
    cluster: &Cluster,
    settings: StreamSettings,
    handler: &(impl Handler + Sync),
    is_enough: impl Fn(&Metrics) -> bool,
) -> Outcome {
    run_with_config(&cluster.config(), settings, handler, is_enough)
}

fn run_with_config(
    config: &KafkaConfig,
    settings: StreamSettings,
    handler: &(impl Handler + Sync),
    is_enough: impl Fn(&Metrics) -> bool,
) -> Outcome {
    let metrics = Metrics::register(&abacus_runtime::prometheus::Registry::new()).unwrap();
    let reads = ReadMetrics::register(&abacus_runtime::prometheus::Registry::new()).unwrap();
    let monitor = ReadMonitor::new(reads, None);
    let (source, committer) = open(config, settings, metrics.clone(), monitor).unwrap();
    let uncommitted = committer.uncommitted_bytes();
    let is_stopping = AtomicBool::new(false);
    let asked = || is_stopping.load(Ordering::Relaxed);
    let (error, stopping) = thread::scope(|scope| {
        let source = scope.spawn(|| source.run(asked, handler));
        let committer = scope.spawn(|| committer.run(asked));
        let deadline = Instant::now() + PATIENCE;
        let is_over = || source.is_finished() || committer.is_finished();
        while !is_enough(&metrics) && !is_over() && Instant::now() < deadline {
            thread::park_timeout(Duration::from_millis(20));
        }
        is_stopping.store(true, Ordering::Relaxed);
        let asked_at = Instant::now();
        let ends = [source.join().unwrap(), committer.join().unwrap()];
        (ends.into_iter().find_map(Result::err), asked_at.elapsed())
    });
    let transactions = |outcome| metrics.transactions.with_label_values(&[outcome]).get();
    Outcome {
        committed: metrics.committed.get(),
        transactions: transactions("committed"),
        retried: transactions("retried"),
        failed: transactions("failed"),
        rewinds: metrics.rewinds.get(),
        rejoins: metrics.rejoins.get(),
        assigned: metrics.assigned.get(),
        replaced: metrics.replaced.get(),
        uncommitted: uncommitted.bytes(),
        stopping,
        error,
    }
}

/// Runs `check` for all cases in parallel: the mock takes seconds to form a group.
fn for_each<T: Send>(cases: impl IntoIterator<Item = T>, check: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| check(case));
        }
    });
}

/// Runs a stream after setting `api` to answer `answer` for the first `times` requests.
fn run_with(guarantee: Guarantee, api: Api, answer: Answer, times: usize) -> Outcome {
    let cluster = Cluster::new();
    cluster.produce();
    cluster.answer(api, answer, times);
    let outcome = run(&cluster, guarantee);
    assert_eq!(outcome.uncommitted, 0, "held bytes drifted");
    outcome
}

fn error_code(outcome: &Outcome) -> Option<Code> {
    match outcome.error.as_ref()? {
        Error::Rival { source, .. }
        | Error::Fatal { source, .. }
        | Error::Refused { source, .. }
        | Error::Call { source, .. } => source.rdkafka_error_code(),
        _ => None,
    }
}

use Answer::*;
use Guarantee::{AtLeastOnce, ExactlyOnce};

#[test]
fn without_errors_nothing_is_retried_and_nothing_read_again() {
    for_each([ExactlyOnce, AtLeastOnce], |guarantee| {
        let cluster = Cluster::new();
        cluster.produce();
        let outcome = run(&cluster, guarantee);
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        assert_eq!(outcome.committed, RECORDS);
        assert_eq!((outcome.retried, outcome.failed, outcome.rewinds), (0, 0, 0));
        assert_eq!(outcome.replaced, 0);
    });
}

#[test]
fn a_transaction_that_meets_a_change_of_the_group_is_tried_again_and_nothing_is_read_again() {
    for_each(
        [
            RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
            RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH,
            RD_KAFKA_RESP_ERR_FENCED_MEMBER_EPOCH,
        ],
        |answer| {
            let outcome = run_with(ExactlyOnce, Api::TxnOffsetCommit, answer, 3);
            assert!(outcome.error.is_none(), "{answer:?}: {:?}", outcome.error);
            assert_eq!((outcome.retried, outcome.failed, outcome.rewinds), (3, 0, 0), "{answer:?}");
            assert_eq!(outcome.committed, RECORDS);
        },
    );
}

#[test]
fn a_group_that_never_settles_has_its_records_read_again() {
    let answer = RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
    let outcome = run_with(ExactlyOnce, Api::TxnOffsetCommit, answer, 21);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!((outcome.retried, outcome.failed, outcome.rewinds), (20, 1, 1));
}

#[test]
fn errors_that_pass_are_waited_out() {
    for_each(
        [
            (Api::TxnOffsetCommit, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS),
            (Api::AddOffsetsToTxn, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS),
            (Api::AddPartitionsToTxn, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS),
            (Api::EndTxn, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE),
            (Api::Produce, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION),
        ],
        |(api, answer)| {
            let outcome = run_with(ExactlyOnce, api, answer, 2);
            assert!(outcome.error.is_none(), "{api:?}: {:?}", outcome.error);
            assert_eq!((outcome.retried, outcome.failed, outcome.rewinds), (0, 0, 0), "{api:?}");
        },
    );
}

#[test]
fn a_transaction_that_must_be_aborted_has_its_records_read_again() {
    for_each(
        [
            (Api::TxnOffsetCommit, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED),
            (Api::AddOffsetsToTxn, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED),
            (Api::AddPartitionsToTxn, RD_KAFKA_RESP_ERR_UNKNOWN),
        ],
        |(api, answer)| {
            let outcome = run_with(ExactlyOnce, api, answer, 1);
            assert!(outcome.error.is_none(), "{api:?}: {:?}", outcome.error);
            assert_eq!((outcome.retried, outcome.failed, outcome.rewinds), (0, 1, 1), "{api:?}");
        },
    );
}

#[test]
fn a_producer_in_a_fatal_state_is_replaced_and_its_records_are_read_again() {
    for_each(
        [
            (Api::EndTxn, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE),
            (Api::TxnOffsetCommit, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING),
            (Api::EndTxn, RD_KAFKA_RESP_ERR_PRODUCER_FENCED),
            (Api::AddOffsetsToTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH),
        ],
        |(api, answer)| {
            let outcome = run_with(ExactlyOnce, api, answer, 1);
            assert!(outcome.error.is_none(), "{api:?}: {:?}", outcome.error);
            assert_eq!((outcome.retried, outcome.failed, outcome.rewinds), (0, 1, 1), "{api:?}");
        },
    );
}

#[test]
fn whoever_is_fenced_twice_in_a_short_time_ends() {
    let outcome = run_with(ExactlyOnce, Api::EndTxn, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, 2);
    assert_eq!(error_code(&outcome), Some(Code::Fenced), "{:?}", outcome.error);
    assert_eq!(outcome.failed, 2);
}

#[test]
fn a_commit_whose_end_is_not_known_is_settled_by_a_new_producer() {
    // Refuses for longer than the time limit of a transaction.
    let answer = RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
    let outcome = run_with(ExactlyOnce, Api::EndTxn, answer, 1000);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert!(outcome.failed >= 1 && outcome.rewinds >= 1);
}

#[test]
fn a_record_that_kafka_will_never_take_ends_the_stream() {
    for_each([ExactlyOnce, AtLeastOnce], |guarantee| {
        let outcome =
            run_with(guarantee, Api::Produce, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 1);
        assert!(matches!(outcome.error, Some(Error::Refused { .. })), "{:?}", outcome.error);
    });
}

#[test]
fn without_transactions_a_refused_offset_is_committed_later() {
    for_each(
        [RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, RD_KAFKA_RESP_ERR_STALE_MEMBER_EPOCH],
        |answer| {
            let outcome = run_with(AtLeastOnce, Api::OffsetCommit, answer, 3);
            assert!(outcome.error.is_none(), "{answer:?}: {:?}", outcome.error);
            assert_eq!((outcome.retried, outcome.failed, outcome.rewinds), (3, 0, 0), "{answer:?}");
        },
    );
}

#[test]
fn without_transactions_other_failures_have_records_read_again() {
    let answer = RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    let outcome = run_with(AtLeastOnce, Api::OffsetCommit, answer, 1);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!((outcome.retried, outcome.failed, outcome.rewinds), (0, 1, 1));
}
