use abacus_runtime::ByteSize;

use super::*;

fn admission(max_bytes: u64, max_waiters: usize, share: u8) -> Arc<Admission> {
    let metrics = Metrics::unregistered();
    let (max_bytes, max_delay) = (ByteSize::b(max_bytes), Duration::from_secs(1));
    let config = AdmissionConfig { max_bytes, max_delay, share };
    Arc::new(Admission::new(config, max_waiters, metrics))
}

fn subject(last: u8) -> Subject {
    Subject::address("address", [192, 0, 2, last].into())
}

fn demand(bytes: u64) -> Demand {
    Demand { bytes, queue: QueueKind::Main }
}

#[test]
fn one_caller_leaves_room_for_the_others() {
    let admission = admission(1_000, 10, 50);
    let permits: Vec<(ComputePermit, MemoryPermit)> =
        (0..5).map(|_| admission.enter(&subject(1), demand(1)).unwrap()).collect();
    let refused = admission.enter(&subject(1), demand(1)).err();
    assert_eq!(refused, Some(AdmissionError::Share { limit: 5 }));
    assert!(admission.enter(&subject(2), demand(1)).is_ok());
    drop(permits);
    assert!(admission.enter(&subject(1), demand(1)).is_ok());
    assert_eq!(admission.requests.len(), 0, "who has nothing under way is forgotten");
    assert_eq!(admission.metrics.shed.with_label_values(&["caller"]).get(), 1);
}

#[test]
fn memory_is_shared_and_bounded() {
    let admission = admission(1_000, 10, 50);
    let first = admission.enter(&subject(1), demand(400)).unwrap();
    assert!(matches!(admission.enter(&subject(1), demand(200)), Err(AdmissionError::Share { .. })));
    let _second = admission.enter(&subject(2), demand(500)).unwrap();
    assert_eq!(admission.enter(&subject(3), demand(200)).err(), Some(AdmissionError::Bytes));
    assert_eq!(admission.metrics.in_flight_bytes.get(), 900);
    drop(first);
    assert!(admission.enter(&subject(3), demand(200)).is_ok());
    assert_eq!(admission.metrics.in_flight_bytes.get(), 500);
}

#[test]
fn what_is_larger_than_all_there_is_may_come_alone() {
    let admission = admission(100, 10, 50);
    let alone = admission.enter(&subject(1), demand(1_000)).unwrap();
    assert_eq!(admission.enter(&subject(2), demand(1)).err(), Some(AdmissionError::Bytes));
    drop(alone);
    assert!(admission.enter(&subject(2), demand(1)).is_ok());
}

#[test]
fn a_share_is_never_less_than_one() {
    let admission = admission(0, 1, 1);
    let _permit = admission.enter(&subject(1), demand(5)).unwrap();
    assert!(admission.enter(&subject(1), demand(5)).is_err());
}

#[test]
fn an_answer_that_is_being_written_takes_no_turn_but_memory() {
    let admission = admission(1_000, 10, 10);
    let (compute, memory) = admission.enter(&subject(1), demand(100)).unwrap();
    assert_eq!(
        admission.enter(&subject(1), demand(0)).err(),
        Some(AdmissionError::Share { limit: 1 })
    );
    drop(compute);
    assert_eq!(
        admission.hold_memory(&subject(1), 1).err(),
        Some(AdmissionError::Share { limit: 1 })
    );
    assert!(admission.enter(&subject(1), demand(0)).is_ok());
    assert_eq!(admission.metrics.in_flight_bytes.get(), 100);
    drop(memory);
    assert!(admission.hold_memory(&subject(1), 100).is_ok());
    assert_eq!(admission.metrics.in_flight_bytes.get(), 0);
    assert_eq!(admission.requests.len(), 0);
}

#[test]
fn who_waits_for_something_earlier_takes_up_the_callers_share_alone() {
    let admission = admission(1_000, 4, 50);
    let waits = [(); 2].map(|()| admission.wait(subject(1), WaitKind::Wait).ok().unwrap());
    let refused = admission.wait(subject(1), WaitKind::Wait).err();
    assert_eq!(refused, Some(AdmissionError::Share { limit: 2 }));
    assert!(admission.enter(&subject(1), demand(1)).is_err());
    assert!(admission.wait(subject(2), WaitKind::Wait).is_ok());
    assert_eq!(admission.metrics.in_flight_bytes.get(), 0);
    drop(waits);
    assert!(admission.enter(&subject(1), demand(1)).is_ok());
}

#[test]
fn one_caller_reads_so_many_streams() {
    let admission = admission(1_000, 10_000, 100);
    let streams: Vec<WaitPermit> =
        (0..STREAMS).map(|_| admission.wait(subject(1), WaitKind::Stream).ok().unwrap()).collect();
    assert!(admission.wait(subject(1), WaitKind::Stream).is_err());
    assert!(admission.wait(subject(2), WaitKind::Stream).is_ok());
    drop(streams);
    assert_eq!(admission.streams.len(), 0);
}
