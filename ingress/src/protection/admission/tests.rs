use abacus_operations::Cost;
use abacus_runtime::prometheus::Registry;

use super::*;
use crate::protection::client::ClientAddress;

fn admission(max_bytes: u64, max_waiters: usize, share: u8) -> Arc<Admission> {
    let metrics = Metrics::register(&Registry::new()).unwrap();
    let (max_bytes, max_delay) = (ByteSize::b(max_bytes), Duration::from_secs(1));
    let config = AdmissionConfig { max_bytes, max_delay, share };
    Arc::new(Admission::new(config, max_waiters, metrics))
}

fn subject(last: u8) -> Subject {
    Subject::address(ClientAddress([192, 0, 2, last].into()))
}

fn load(bytes: u64) -> Load {
    Load { cost: Cost::MINIMUM, bytes }
}

#[test]
fn one_caller_leaves_room_for_the_others() {
    let admission = admission(1_000, 10, 50);
    let places: Vec<(Place, Room)> =
        (0..5).map(|_| admission.enter(&subject(1), load(1)).unwrap()).collect();
    let refused = admission.enter(&subject(1), load(1)).err();
    assert_eq!(refused, Some(Refusal::Share { limit: 5 }));
    assert!(admission.enter(&subject(2), load(1)).is_ok());
    drop(places);
    assert!(admission.enter(&subject(1), load(1)).is_ok());
    assert_eq!(admission.callers.len(), 0, "who has nothing under way is forgotten");
    assert_eq!(admission.metrics.shed.with_label_values(&["caller"]).get(), 1);
}

#[test]
fn memory_is_shared_and_bounded() {
    let admission = admission(1_000, 10, 50);
    let first = admission.enter(&subject(1), load(400)).unwrap();
    assert!(matches!(admission.enter(&subject(1), load(200)), Err(Refusal::Share { .. })));
    let _second = admission.enter(&subject(2), load(500)).unwrap();
    assert_eq!(admission.enter(&subject(3), load(200)).err(), Some(Refusal::Bytes));
    assert_eq!(admission.metrics.in_flight_bytes.get(), 900);
    drop(first);
    assert!(admission.enter(&subject(3), load(200)).is_ok());
    assert_eq!(admission.metrics.in_flight_bytes.get(), 500);
}

#[test]
fn what_is_larger_than_all_there_is_may_come_alone() {
    let admission = admission(100, 10, 50);
    let alone = admission.enter(&subject(1), load(1_000)).unwrap();
    assert_eq!(admission.enter(&subject(2), load(1)).err(), Some(Refusal::Bytes));
    drop(alone);
    assert!(admission.enter(&subject(2), load(1)).is_ok());
}

#[test]
fn a_share_is_never_less_than_one() {
    let admission = admission(0, 1, 1);
    let _place = admission.enter(&subject(1), load(5)).unwrap();
    assert!(admission.enter(&subject(1), load(5)).is_err());
}

#[test]
fn an_answer_that_is_being_written_takes_no_turn_but_memory() {
    let admission = admission(1_000, 10, 10);
    let (place, room) = admission.enter(&subject(1), load(100)).unwrap();
    assert_eq!(admission.enter(&subject(1), load(0)).err(), Some(Refusal::Share { limit: 1 }));
    drop(place);
    assert_eq!(admission.make_room(&subject(1), 1).err(), Some(Refusal::Share { limit: 1 }));
    assert!(admission.enter(&subject(1), load(0)).is_ok());
    assert_eq!(admission.metrics.in_flight_bytes.get(), 100);
    drop(room);
    assert!(admission.make_room(&subject(1), 100).is_ok());
    assert_eq!(admission.metrics.in_flight_bytes.get(), 0);
    assert_eq!(admission.callers.len(), 0);
}

#[test]
fn who_waits_for_something_earlier_takes_up_the_callers_share_alone() {
    let admission = admission(1_000, 4, 50);
    let seats = [(); 2].map(|()| admission.sit(subject(1), Stay::Wait).ok().unwrap());
    let refused = admission.sit(subject(1), Stay::Wait).err();
    assert_eq!(refused, Some(Refusal::Share { limit: 2 }));
    assert!(admission.enter(&subject(1), load(1)).is_err());
    assert!(admission.sit(subject(2), Stay::Wait).is_ok());
    assert_eq!(admission.metrics.in_flight_bytes.get(), 0);
    drop(seats);
    assert!(admission.enter(&subject(1), load(1)).is_ok());
}

#[test]
fn one_caller_reads_so_many_streams() {
    let admission = admission(1_000, 10_000, 100);
    let streams: Vec<Seat> =
        (0..seat::STREAMS).map(|_| admission.sit(subject(1), Stay::Stream).ok().unwrap()).collect();
    assert!(admission.sit(subject(1), Stay::Stream).is_err());
    assert!(admission.sit(subject(2), Stay::Stream).is_ok());
    drop(streams);
    assert_eq!(admission.streams.len(), 0);
}
