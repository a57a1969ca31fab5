//! Loss of the group's coordinator during a transaction.

use std::cell::Cell;

use rdkafka::mocking::MockCoordinator;

use super::*;

/// Publishes each record unchanged once the gate opens.
struct GatedEcho(AtomicBool);

impl Handler for GatedEcho {
    fn on_record(&self, record: &InboundRecord<'_>, ack: AckHandle) {
        while !self.0.load(Ordering::Relaxed) {
            thread::park_timeout(Duration::from_millis(5));
        }
        Echo.on_record(record, ack);
    }
}

fn coordinate(cluster: &Cluster, group_by: i32, transactions_by: i32) {
    let Cluster(mock) = cluster;
    mock.coordinator(MockCoordinator::Group("group".to_owned()), group_by).unwrap();
    let transactions = MockCoordinator::Transaction("group-one".to_owned());
    mock.coordinator(transactions, transactions_by).unwrap();
}

fn two_brokers() -> Cluster {
    let cluster = Cluster(MockCluster::new(2).unwrap());
    for topic in ["in", "out"] {
        cluster.0.create_topic(topic, 1, 2).unwrap();
        cluster.0.partition_leader(topic, 0, Some(1)).unwrap();
    }
    cluster
}

/// A late request of the lost connection could end, or change, a later transaction.
#[test]
fn a_producer_that_loses_its_coordinator_in_a_transaction_is_replaced_before_the_next() {
    let cluster = two_brokers();
    coordinate(&cluster, 1, 2);
    cluster.produce();
    let (is_lost, has_more) = (Cell::new(false), Cell::new(false));
    let handler = GatedEcho(AtomicBool::new(false));
    let outcome = run_until(&cluster, settings(ExactlyOnce), &handler, |metrics| {
        if metrics.received.get() > 0 && !is_lost.replace(true) {
            // The first answer is under way for longer than the connection lives.
            cluster.0.broker_round_trip_time(2, Duration::from_millis(300)).unwrap();
            handler.0.store(true, Ordering::Relaxed);
            thread::park_timeout(Duration::from_millis(100));
            cluster.0.broker_down(2).unwrap();
            cluster.0.broker_up(2).unwrap();
            cluster.0.broker_round_trip_time(2, Duration::ZERO).unwrap();
        }
        if metrics.committed.get() >= RECORDS && !has_more.replace(true) {
            cluster.produce();
        }
        metrics.committed.get() >= 2 * RECORDS
    });
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!((outcome.committed, outcome.failed, outcome.rewinds), (2 * RECORDS, 0, 0));
    assert_eq!(outcome.replaced, 1);
}

#[test]
fn a_transaction_is_given_up_when_nobody_coordinates_the_group_and_done_again_when_somebody_does() {
    let cluster = two_brokers();
    coordinate(&cluster, 2, 1);
    cluster.produce();
    let handler = GatedEcho(AtomicBool::new(false));
    let is_away = Cell::new(false);
    let outcome = run_until(&cluster, settings(ExactlyOnce), &handler, |metrics| {
        if metrics.received.get() > 0 && !is_away.replace(true) {
            cluster.0.broker_down(2).unwrap();
            handler.0.store(true, Ordering::Relaxed);
        }
        if metrics.transactions.with_label_values(&["failed"]).get() == 1 {
            coordinate(&cluster, 1, 1);
        }
        metrics.committed.get() >= RECORDS
    });
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!((outcome.committed, outcome.failed, outcome.rewinds), (RECORDS, 1, 1));
    assert_eq!(outcome.uncommitted, 0, "held bytes drifted");
}
