use super::*;
use crate::record::OutboundRecord;
use crate::stream::lane::Ticket;

fn partition(number: i32) -> TopicPartition {
    TopicPartition { topic: "requests".into(), partition: number }
}

fn lanes(records: usize, bytes: usize) -> Lanes {
    Lanes::new(Amount { records, bytes })
}

fn receive(lane: &Arc<Lane>, offset: i64) -> Ticket {
    lane.receive(offset, 1).0
}

fn output(text: &str) -> OutboundRecord {
    OutboundRecord {
        topic: "results".into(),
        partition: None,
        key: Vec::new(),
        payload: text.into(),
        headers: Vec::new(),
    }
}

#[test]
fn outputs_leave_in_offset_order_up_to_the_first_unfinished() {
    let lanes = lanes(10, 1000);
    let lane = lanes.open(partition(0));
    let [a, b, c] = [5, 6, 9].map(|offset| receive(&lane, offset));
    b.finish(Some(output("b")));
    assert!(lanes.take_finished().is_empty());
    a.finish(Some(output("a")));
    let [finished] = <[_; 1]>::try_from(lanes.take_finished()).ok().unwrap();
    let texts: Vec<_> = finished.outputs.iter().map(|out| out.payload.as_slice()).collect();
    assert_eq!(texts, [b"a", b"b"]);
    assert_eq!((finished.taken().records, finished.next_offset), (2, 7));
    assert!(lanes.has_unfinished(&[partition(0)]));
    c.finish(None);
    assert_eq!(lanes.take_finished()[0].next_offset, 10);
}

#[test]
fn what_a_ticket_of_a_past_assignment_says_no_longer_counts() {
    let lanes = lanes(10, 1000);
    let stale = receive(&lanes.open(partition(0)), 5);
    let fresh = receive(&lanes.open(partition(0)), 5);
    stale.finish(Some(output("stale")));
    assert!(lanes.take_finished().is_empty());
    fresh.finish(Some(output("fresh")));
    assert_eq!(lanes.take_finished()[0].outputs[0].payload, b"fresh");
}

#[test]
fn a_closed_lane_gives_nothing_to_commit() {
    let lanes = lanes(10, 1000);
    let ticket = receive(&lanes.open(partition(0)), 5);
    ticket.finish(Some(output("done")));
    lanes.close(&[partition(0)]);
    assert!(lanes.take_finished().is_empty());
    assert_eq!(lanes.pending_records(), 0);
}

#[test]
fn a_transaction_takes_four_times_what_starts_one_and_lanes_share_its_room() {
    let lanes = lanes(2, 10);
    let [few, many, large] = [0, 1, 2].map(|number| lanes.open(partition(number)));
    receive(&few, 0).finish(None);
    for offset in 0..10 {
        receive(&many, offset).finish(None);
    }
    for offset in 0..8 {
        receive(&large, offset).finish(Some(output("12345678")));
    }
    let taken = || {
        let mut taken: Vec<_> = lanes
            .take_finished()
            .iter()
            .map(|lane| (lane.partition.partition, lane.taken().records))
            .collect();
        taken.sort_unstable();
        taken
    };
    // Of 8 records and 40 bytes: one, then half of what is left, in bytes too, then the rest.
    assert_eq!(taken(), [(0, 1), (1, 4), (2, 3)]);
    assert_eq!(taken(), [(1, 5), (2, 3)]);
    assert_eq!(taken(), [(1, 1), (2, 2)]);
    assert_eq!(taken(), []);
}

#[test]
fn a_dropped_ticket_fails_the_stream_unless_its_lane_is_closed() {
    let lanes = lanes(10, 1000);
    let stale = receive(&lanes.open(partition(0)), 5);
    let current = receive(&lanes.open(partition(0)), 5);
    assert!(!stale.is_current() && current.is_current());
    drop(stale);
    assert!(!lanes.is_abandoned());
    drop(current);
    assert!(lanes.is_abandoned());
}

#[test]
fn enough_finished_records_wake_the_committer() {
    let lanes = lanes(2, 1000);
    let lane = lanes.open(partition(0));
    receive(&lane, 0).finish(None);
    assert!(!lanes.ready.is_woken());
    receive(&lane, 1).finish(None);
    assert!(lanes.ready.is_woken());
    lanes.wait(Duration::from_hours(1));
    assert!(!lanes.ready.is_woken());
}

#[test]
fn enough_finished_bytes_wake_the_committer() {
    let lanes = lanes(100, 8);
    receive(&lanes.open(partition(0)), 0).finish(Some(output("12345678")));
    assert!(lanes.ready.is_woken());
}

#[test]
fn pending_counts_what_a_transaction_has_taken_until_it_ends() {
    let lanes = lanes(10, 1000);
    let lane = lanes.open(partition(0));
    let (first, pending) = lane.receive(0, 100);
    assert_eq!(pending, Amount { records: 1, bytes: 100 });
    let (_second, pending) = lane.receive(1, 20);
    assert_eq!(pending, Amount { records: 2, bytes: 120 });
    first.finish(None);
    let finished = lanes.take_finished();
    assert_eq!(lane.pending(), Amount { records: 2, bytes: 120 });
    drop(finished);
    assert_eq!(lane.pending(), Amount { records: 1, bytes: 20 });
}

#[test]
fn the_record_that_the_next_commit_waits_for_moves_on_as_records_are_taken() {
    let lanes = lanes(10, 1000);
    let lane = lanes.open(partition(0));
    let [a, b, c] = [5, 6, 9].map(|offset| receive(&lane, offset));
    assert!(a.is_first() && !b.is_first() && !c.is_first());
    b.finish(None);
    assert!(!c.is_first());
    a.finish(None);
    assert!(!c.is_first(), "two are ready to be committed");
    drop(lanes.take_finished());
    assert!(c.is_first());
    lanes.close_all();
    assert!(!c.is_first());
}

#[test]
fn what_was_taken_is_no_longer_current_once_its_lane_is_closed() {
    let lanes = lanes(10, 1000);
    receive(&lanes.open(partition(0)), 5).finish(Some(output("done")));
    let finished = lanes.take_finished();
    assert!(finished[0].is_current());
    let _again = lanes.open(partition(0));
    assert!(!finished[0].is_current());
}

mod held {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What happens to lanes, in any order.
    #[derive(Clone, Debug)]
    enum Step {
        Receive { partition: i32 },
        Finish { pick: prop::sample::Index, bytes: usize },
        Take,
        End { pick: prop::sample::Index },
        Close { partition: i32 },
        Open { partition: i32 },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let partitions = 0..3_i32;
        let pick = any::<prop::sample::Index>;
        let step = prop_oneof![
            4 => partitions.clone().prop_map(|partition| Step::Receive { partition }),
            4 => (pick(), 0..50_usize).prop_map(|(pick, bytes)| Step::Finish { pick, bytes }),
            2 => Just(Step::Take),
            2 => pick().prop_map(|pick| Step::End { pick }),
            1 => partitions.clone().prop_map(|partition| Step::Close { partition }),
            1 => partitions.prop_map(|partition| Step::Open { partition }),
        ];
        prop::collection::vec(step, 0..200)
    }

    /// The bytes of outputs that are in an open lane or in a share under way.
    #[derive(Default)]
    struct Model {
        /// By partition: assignment, records (offset to the bytes of the output once finished).
        lanes: HashMap<i32, (usize, BTreeMap<i64, Option<usize>>)>,
        under_way: usize,
    }

    impl Model {
        fn bytes(&self) -> usize {
            let in_lanes = self.lanes.values().flat_map(|(_, records)| records.values().flatten());
            in_lanes.sum::<usize>() + self.under_way
        }

        /// What a lane gives when it is asked for a share.
        fn take(&mut self, finished: &Finished) {
            let (_, records) = self.lanes.get_mut(&finished.partition.partition).unwrap();
            let rest = records.split_off(&finished.next_offset);
            let taken = std::mem::replace(records, rest);
            self.under_way += taken.values().map(|bytes| bytes.unwrap()).sum::<usize>();
        }
    }

    proptest! {
        #[test]
        fn bytes_never_drift_from_what_lanes_and_shares_hold(steps in steps()) {
            let lanes = lanes(8, 100);
            let held = lanes.held().clone();
            let mut model = Model::default();
            let mut open: HashMap<i32, Arc<Lane>> = HashMap::new();
            let mut tickets: Vec<(i32, usize, i64, Ticket)> = Vec::new();
            let mut shares: Vec<Finished> = Vec::new();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Receive { partition } => {
                        if let Some((epoch, records)) = model.lanes.get_mut(&partition) {
                            let ticket = receive(&open[&partition], next);
                            records.insert(next, None);
                            tickets.push((partition, *epoch, next, ticket));
                            next += 1;
                        }
                    }
                    Step::Finish { pick, bytes } if !tickets.is_empty() => {
                        let (number, epoch, offset, ticket) =
                            tickets.swap_remove(pick.index(tickets.len()));
                        ticket.finish(Some(output(&"x".repeat(bytes))));
                        if let Some((current, records)) = model.lanes.get_mut(&number)
                            && *current == epoch
                        {
                            records.insert(offset, Some(bytes));
                        }
                    }
                    Step::Take => {
                        let taken = lanes.take_finished();
                        for finished in &taken {
                            model.take(finished);
                        }
                        shares.extend(taken);
                    }
                    Step::End { pick } if !shares.is_empty() => {
                        let share = shares.swap_remove(pick.index(shares.len()));
                        model.under_way -= share.outputs.iter().map(OutboundRecord::size).sum::<usize>();
                    }
                    Step::Finish { .. } | Step::End { .. } => {}
                    Step::Close { partition: number } => {
                        lanes.close(&[partition(number)]);
                        model.lanes.remove(&number);
                        open.remove(&number);
                    }
                    Step::Open { partition: number } => {
                        next += 1;
                        open.insert(number, lanes.open(partition(number)));
                        model.lanes.insert(number, (usize::try_from(next).unwrap(), BTreeMap::new()));
                    }
                }
                prop_assert_eq!(held.bytes(), model.bytes());
            }
            lanes.close_all();
            shares.clear();
            prop_assert_eq!(held.bytes(), 0);
            for (_, _, _, ticket) in tickets {
                ticket.finish(Some(output("late")));
            }
            prop_assert_eq!(held.bytes(), 0);
        }
    }
}
