//! Fencing of a static member by its group.

use std::sync::atomic::AtomicU64;

use super::*;

/// Publishes each record unchanged, at first without an end: the first records are finished by a test.
#[derive(Default)]
struct HeldEcho {
    held: parking_lot::Mutex<Vec<AckHandle>>,
    is_open: AtomicBool,
    received: AtomicU64,
}

impl Handler for HeldEcho {
    fn on_record(&self, record: &InboundRecord<'_>, ack: AckHandle) {
        self.received.fetch_add(1, Ordering::Relaxed);
        if self.is_open.load(Ordering::Relaxed) {
            Echo.on_record(record, ack);
        } else {
            self.held.lock().push(ack);
        }
    }
}

fn static_member(cluster: &Cluster) -> KafkaConfig {
    KafkaConfig { static_membership: true, ..cluster.config() }
}

#[test]
fn a_fenced_member_joins_again_and_reads_from_the_committed_offsets() {
    for_each([ExactlyOnce, AtLeastOnce], |guarantee| {
        let cluster = Cluster::new();
        cluster.produce();
        let handler = HeldEcho::default();
        let config = static_member(&cluster);
        let outcome = run_with_config(&config, settings(guarantee), &handler, |metrics| {
            let held = handler.held.lock().len() as u64;
            if held == RECORDS && metrics.rejoins.get() == 0 {
                cluster.answer(Api::Heartbeat, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, 1);
                let deadline = Instant::now() + PATIENCE;
                while metrics.rejoins.get() == 0 && Instant::now() < deadline {
                    thread::park_timeout(Duration::from_millis(5));
                }
                handler.is_open.store(true, Ordering::Relaxed);
                // The acknowledgements of the fenced member have no effect.
                handler.held.lock().drain(..).for_each(|ack| ack.finish(None));
            }
            metrics.committed.get() >= RECORDS
        });
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        assert_eq!((outcome.committed, outcome.rejoins, outcome.failed), (RECORDS, 1, 0));
        assert_eq!(handler.received.into_inner(), 2 * RECORDS);
        assert_eq!((outcome.assigned, outcome.uncommitted), (0, 0));
    });
}

#[test]
fn a_member_that_is_fenced_twice_in_a_short_time_ends() {
    let cluster = Cluster::new();
    cluster.produce();
    cluster.answer(Api::JoinGroup, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, 2);
    let outcome =
        run_with_config(&static_member(&cluster), settings(ExactlyOnce), &Echo, |_| false);
    assert_eq!(error_code(&outcome), Some(Code::FencedInstanceId), "{:?}", outcome.error);
    assert_eq!((outcome.committed, outcome.rejoins), (0, 1));
}

#[test]
fn a_transaction_of_a_fenced_member_is_tried_again() {
    let answer = RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
    let outcome = run_with(ExactlyOnce, Api::TxnOffsetCommit, answer, 1);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!((outcome.committed, outcome.failed), (RECORDS, 0));
}
