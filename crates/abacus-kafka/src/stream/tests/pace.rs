//! Commit rate and shutdown time of a stream while records finish continuously.

use std::sync::mpsc::{Sender, channel};

use super::*;

const MANY: u64 = 5000;

/// Finishes one record each millisecond.
struct Steady(Sender<AckHandle>);

impl Steady {
    fn spawn() -> Self {
        let (acks, queue) = channel::<AckHandle>();
        thread::spawn(move || {
            for ack in queue {
                ack.finish(None);
                thread::park_timeout(Duration::from_millis(1));
            }
        });
        Self(acks)
    }
}

impl Handler for Steady {
    fn on_record(&self, _: &InboundRecord<'_>, ack: AckHandle) {
        self.0.send(ack).unwrap();
    }
}

fn steadily(commit_interval: Duration) -> StreamSettings {
    StreamSettings {
        commit_interval,
        commit_records: 100_000,
        partition_backlog: 100_000,
        drain: Duration::from_millis(200),
        ..settings(ExactlyOnce)
    }
}

/// A cluster with transactions slower than the records: more records are finished at the end of each.
fn slow_cluster() -> Cluster {
    let cluster = Cluster::new();
    cluster.produce_many(MANY);
    cluster.0.broker_round_trip_time(1, Duration::from_millis(5)).unwrap();
    cluster
}

#[test]
fn under_a_steady_load_each_transaction_waits_for_its_interval() {
    let cluster = slow_cluster();
    let settings = steadily(Duration::from_millis(200));
    let outcome =
        run_until(&cluster, settings, &Steady::spawn(), |now| now.committed.get() >= 1000);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert!(outcome.committed >= 1000, "{} are", outcome.committed);
    assert!(outcome.transactions <= 20, "in {} transactions", outcome.transactions);
}

#[test]
fn a_stream_ends_in_time_while_records_finish_all_the_time() {
    let cluster = slow_cluster();
    let settings = steadily(Duration::from_millis(10));
    let outcome = run_until(&cluster, settings, &Steady::spawn(), |now| now.committed.get() >= 100);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert!(outcome.committed < MANY, "all were finished before it was to end");
    assert!(outcome.stopping < Duration::from_secs(1), "after {:?}", outcome.stopping);
    assert_eq!(outcome.uncommitted, 0, "held bytes drifted");
}
