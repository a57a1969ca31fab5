//! The stream library in the test process, over a real broker: the committed output while the group
//! changes, and backpressure.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use abacus_kafka::stream::{
    self, AckHandle, GroupProtocol, Guarantee, Handler, Metrics, StreamSettings, UncommittedBytes,
};
use abacus_kafka::{InboundRecord, KafkaConfig, OutboundRecord, ReadMetrics, ReadMonitor};
use abacus_runtime::prometheus::Registry;
use abacus_testkit::{DirectProducer, Isolation, Kafka, NewRecord, PATIENCE, Stack, wait_until};
use uuid::Uuid;

/// Two topics and a group for one test.
struct Pipe {
    bootstrap: String,
    kafka: Kafka,
    producer: DirectProducer,
    name: String,
    guarantee: Guarantee,
    protocol: GroupProtocol,
}

const PARTITIONS: i32 = 4;

impl Pipe {
    fn new(guarantee: Guarantee, protocol: GroupProtocol) -> Self {
        let bootstrap = Stack::from_env().kafka;
        let kafka = Kafka::new(&bootstrap, None);
        let name = format!("t{}", Uuid::new_v4().simple());
        let pipe = Self { producer: kafka.producer(), bootstrap, kafka, name, guarantee, protocol };
        pipe.kafka.create_topic(&pipe.input(), PARTITIONS);
        pipe.kafka.create_topic(&pipe.output(), PARTITIONS);
        pipe
    }

    fn input(&self) -> String {
        format!("{}.in", self.name)
    }

    fn output(&self) -> String {
        format!("{}.out", self.name)
    }

    fn settings(&self, instance: &str) -> StreamSettings {
        StreamSettings {
            group: self.name.clone(),
            instance: instance.to_owned(),
            topics: vec![self.input()],
            guarantee: self.guarantee,
            protocol: self.protocol,
            // Frequent transactions, so one is open when the group changes.
            commit_interval: Duration::from_millis(1),
            commit_records: 100,
            commit_bytes: 1 << 20,
            partition_backlog: 200,
            partition_backlog_bytes: 1 << 20,
            drain: Duration::from_secs(5),
            hand_over: Duration::from_millis(500),
        }
    }

    fn produce(&self, numbers: std::ops::Range<usize>, payload: &[u8]) {
        let record = |number: usize| NewRecord {
            topic: self.input(),
            partition: Some(i32::try_from(number).unwrap() % PARTITIONS),
            key: number.to_string().into_bytes(),
            payload: payload.to_vec(),
            ..NewRecord::default()
        };
        self.producer.produce_all(&numbers.map(record).collect::<Vec<_>>());
    }

    /// Counts the completions of each number under `read_committed`.
    fn completed(&self) -> BTreeMap<usize, usize> {
        let mut counts = BTreeMap::new();
        for number in self.numbers().into_values().flatten() {
            *counts.entry(number).or_default() += 1;
        }
        counts
    }

    /// The numbers in each partition, in order.
    fn numbers(&self) -> BTreeMap<i32, Vec<usize>> {
        let mut numbers: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
        for record in self.kafka.scan(&self.output(), Isolation::Committed) {
            let number = std::str::from_utf8(&record.key).unwrap().parse().unwrap();
            numbers.entry(record.position.partition).or_default().push(number);
        }
        numbers
    }

    #[track_caller]
    fn wait_for(&self, count: usize) {
        wait_until("records to be completed", PATIENCE, || match self.completed().len() {
            now if now >= count => Ok(()),
            now => Err(format!("{now} of {count}")),
        });
    }

    fn join(&self, instance: &str) -> Member {
        Member::start(self, self.settings(instance), Worker::spawn(&self.output()))
    }
}

/// Finishes records on a separate thread, out of order.
struct Worker {
    jobs: Sender<(AckHandle, OutboundRecord)>,
    output: Arc<str>,
    is_accepting: Arc<AtomicBool>,
}

impl Worker {
    fn spawn(output: &str) -> Self {
        let (jobs, queue) = channel::<(AckHandle, OutboundRecord)>();
        thread::spawn(move || {
            while let Ok(first) = queue.recv() {
                let mut batch: Vec<_> = std::iter::once(first).chain(queue.try_iter()).collect();
                while let Some((ack, output)) = batch.pop() {
                    ack.finish(Some(output));
                }
            }
        });
        let is_accepting = Arc::new(AtomicBool::new(true));
        Self { jobs, output: output.into(), is_accepting }
    }
}

impl Handler for Worker {
    fn on_record(&self, record: &InboundRecord<'_>, ack: AckHandle) {
        let output = OutboundRecord {
            topic: Arc::clone(&self.output),
            partition: Some(record.partition()),
            key: record.key().to_vec(),
            payload: record.payload().to_vec(),
            headers: vec![("kind".to_owned(), b"echo".to_vec())],
        };
        self.jobs.send((ack, output)).unwrap();
    }

    fn is_accepting(&self) -> bool {
        self.is_accepting.load(Ordering::Relaxed)
    }
}

/// Keeps every record and finishes none.
#[derive(Clone, Default)]
struct Hoarder(Arc<Mutex<Vec<AckHandle>>>);

impl Hoarder {
    fn finish_all(&self) {
        let acks: Vec<_> = self.0.lock().unwrap().drain(..).collect();
        for ack in acks {
            ack.finish(None);
        }
    }
}

impl Handler for Hoarder {
    fn on_record(&self, _: &InboundRecord<'_>, ack: AckHandle) {
        self.0.lock().unwrap().push(ack);
    }
}

/// A running stream.
struct Member {
    is_stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<(), abacus_kafka::Error>>>,
    metrics: Metrics,
    uncommitted: UncommittedBytes,
}

impl Member {
    fn start(
        pipe: &Pipe,
        settings: StreamSettings,
        handler: impl Handler + Send + 'static,
    ) -> Self {
        let metrics = Metrics::register(&Registry::new()).unwrap();
        let config = KafkaConfig::new(&pipe.bootstrap);
        let reads = ReadMetrics::register(&Registry::new()).unwrap();
        let monitor = ReadMonitor::new(reads, None);
        let (source, committer) =
            stream::open(&config, settings, metrics.clone(), monitor).unwrap();
        let uncommitted = committer.uncommitted_bytes();
        let is_stopping = Arc::new(AtomicBool::new(false));
        let stops = || {
            let is_stopping = Arc::clone(&is_stopping);
            move || is_stopping.load(Ordering::Relaxed)
        };
        let (source_stops, committer_stops) = (stops(), stops());
        let threads = vec![
            thread::spawn(move || source.run(source_stops, &handler)),
            thread::spawn(move || committer.run(committer_stops)),
        ];
        Self { is_stopping, threads, metrics, uncommitted }
    }

    #[track_caller]
    fn wait_for_partitions(&self, wanted: impl Fn(i64) -> bool) {
        wait_until("partitions", PATIENCE, || match self.metrics.assigned.get() {
            now if wanted(now) => Ok(()),
            now => Err(format!("{now} assigned")),
        });
    }

    /// Finishes the records in flight and leaves the group.
    #[track_caller]
    fn stop(self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap().unwrap();
        }
        assert_eq!(self.uncommitted.bytes(), 0, "held bytes drifted");
    }
}

fn is_some(count: i64) -> bool {
    count > 0 && count < i64::from(PARTITIONS)
}

/// Lets members join and leave during a continuous flow of records.
fn change_the_group(guarantee: Guarantee, protocol: GroupProtocol) -> Pipe {
    let pipe = Pipe::new(guarantee, protocol);
    let is_enough = AtomicBool::new(false);
    let (written, last) = thread::scope(|scope| {
        let trickle = scope.spawn(|| {
            let mut written = 0;
            while !is_enough.load(Ordering::Relaxed) {
                pipe.produce(written..written + 20, b"request");
                written += 20;
            }
            written
        });
        let last = come_and_go(&pipe);
        is_enough.store(true, Ordering::Relaxed);
        (trickle.join().unwrap(), last)
    });
    pipe.wait_for(written);
    last.stop();
    pipe
}

/// Returns the remaining member, with all partitions assigned.
fn come_and_go(pipe: &Pipe) -> Member {
    let is_all = |count| count == i64::from(PARTITIONS);
    let first = pipe.join("first");
    first.wait_for_partitions(is_all);
    let second = pipe.join("second");
    second.wait_for_partitions(is_some);
    let third = pipe.join("third");
    third.wait_for_partitions(is_some);
    first.stop();
    let fourth = pipe.join("first");
    fourth.wait_for_partitions(is_some);
    third.stop();
    fourth.stop();
    second.wait_for_partitions(is_all);
    second
}

#[track_caller]
fn assert_each_once_in_order(pipe: &Pipe) {
    assert!(pipe.completed().values().all(|count| *count == 1), "some are completed twice");
    for (partition, numbers) in pipe.numbers() {
        assert!(numbers.is_sorted(), "partition {partition} is out of order");
    }
}

#[test]
fn a_group_that_changes_loses_and_repeats_nothing() {
    assert_each_once_in_order(&change_the_group(Guarantee::ExactlyOnce, GroupProtocol::Classic));
}

#[test]
fn a_group_led_by_the_broker_that_changes_loses_and_repeats_nothing() {
    assert_each_once_in_order(&change_the_group(Guarantee::ExactlyOnce, GroupProtocol::Consumer));
}

#[test]
fn without_transactions_a_group_that_changes_loses_nothing() {
    // Without a crash, no record is repeated.
    assert_each_once_in_order(&change_the_group(Guarantee::AtLeastOnce, GroupProtocol::Classic));
}

#[test]
fn without_transactions_a_group_led_by_the_broker_loses_nothing() {
    assert_each_once_in_order(&change_the_group(Guarantee::AtLeastOnce, GroupProtocol::Consumer));
}

#[test]
fn a_partition_is_paused_at_its_limit_in_bytes_and_resumed_once_half_is_committed() {
    let pipe = Pipe::new(Guarantee::ExactlyOnce, GroupProtocol::Classic);
    let hoarder = Hoarder::default();
    let settings = StreamSettings {
        partition_backlog: 10_000,
        partition_backlog_bytes: 10_000,
        ..pipe.settings("one")
    };
    let member = Member::start(&pipe, settings, hoarder.clone());
    pipe.produce(0..400, &[b'x'; 1000]);
    wait_until("all partitions to be paused", PATIENCE, || match member.metrics.paused.get() {
        4 => Ok(()),
        now => Err(format!("{now} are")),
    });
    // Each partition has reached 10,000 bytes, keys included.
    assert_eq!(member.metrics.received.get(), 40);
    hoarder.finish_all();
    wait_until("more records", PATIENCE, || match member.metrics.received.get() {
        now if now > 40 => Ok(()),
        now => Err(format!("{now} received")),
    });
    hoarder.finish_all();
    member.is_stopping.store(true, Ordering::Relaxed);
}

#[test]
fn while_nothing_is_accepted_nothing_comes_and_the_partitions_stay() {
    let pipe = Pipe::new(Guarantee::ExactlyOnce, GroupProtocol::Classic);
    let worker = Worker::spawn(&pipe.output());
    let is_accepting = Arc::clone(&worker.is_accepting);
    let member = Member::start(&pipe, pipe.settings("one"), worker);
    pipe.produce(0..100, b"1");
    pipe.wait_for(100);
    is_accepting.store(false, Ordering::Relaxed);
    wait_until("the intake to close", PATIENCE, || match member.metrics.closed.get() {
        1 => Ok(()),
        now => Err(now.to_string()),
    });
    pipe.produce(100..200, b"2");
    // A second member causes a rebalance while the intake is closed, and processes the partitions
    // assigned to it.
    let second = pipe.join("second");
    second.wait_for_partitions(is_some);
    let by_second = usize::try_from(second.metrics.assigned.get()).unwrap() * 25;
    pipe.wait_for(100 + by_second);
    second.stop();
    member.wait_for_partitions(|count| count == i64::from(PARTITIONS));
    assert_eq!(member.metrics.received.get(), 100);
    assert_eq!(pipe.completed().len(), 100 + by_second);
    is_accepting.store(true, Ordering::Relaxed);
    pipe.wait_for(200);
    assert_each_once_in_order(&pipe);
    member.stop();
}

#[test]
fn a_record_larger_than_a_fetch_comes_like_any_other() {
    let pipe = Pipe::new(Guarantee::ExactlyOnce, GroupProtocol::Classic);
    pipe.produce(0..8, b"small");
    pipe.produce(8..12, &vec![b'x'; 900_000]);
    pipe.produce(12..20, b"small");
    let member = pipe.join("one");
    pipe.wait_for(20);
    assert_each_once_in_order(&pipe);
    member.stop();
}
