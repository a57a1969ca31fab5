use super::*;
use crate::record::OutboundRecord;
use crate::stream::assignment::AckHandle;

fn partition(number: i32) -> TopicPartition {
    TopicPartition { topic: "requests".into(), partition: number }
}

fn assignments(records: usize, bytes: usize) -> Assignments {
    Assignments::new(Amount { records, bytes })
}

fn receive(assignment: &Arc<Assignment>, offset: i64) -> AckHandle {
    assignment.receive(offset, 1).0
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
    let assignments = assignments(10, 1000);
    let assignment = assignments.open(partition(0));
    let [a, b, c] = [5, 6, 9].map(|offset| receive(&assignment, offset));
    b.finish(Some(output("b")));
    assert!(assignments.take_finished().is_empty());
    a.finish(Some(output("a")));
    let [finished] = <[_; 1]>::try_from(assignments.take_finished()).ok().unwrap();
    let texts: Vec<_> = finished.outputs.iter().map(|out| out.payload.as_slice()).collect();
    assert_eq!(texts, [b"a", b"b"]);
    assert_eq!((finished.amount().records, finished.next_offset), (2, 7));
    assert!(assignments.has_unfinished(&[partition(0)]));
    c.finish(None);
    assert_eq!(assignments.take_finished()[0].next_offset, 10);
}

#[test]
fn what_an_ack_handle_of_a_past_assignment_says_no_longer_counts() {
    let assignments = assignments(10, 1000);
    let stale = receive(&assignments.open(partition(0)), 5);
    let fresh = receive(&assignments.open(partition(0)), 5);
    stale.finish(Some(output("stale")));
    assert!(assignments.take_finished().is_empty());
    fresh.finish(Some(output("fresh")));
    assert_eq!(assignments.take_finished()[0].outputs[0].payload, b"fresh");
}

#[test]
fn a_closed_assignment_gives_nothing_to_commit() {
    let assignments = assignments(10, 1000);
    let ack = receive(&assignments.open(partition(0)), 5);
    ack.finish(Some(output("done")));
    assignments.close(&[partition(0)]);
    assert!(assignments.take_finished().is_empty());
    assert_eq!(assignments.pending_records(), 0);
}

#[test]
fn a_transaction_takes_four_times_what_starts_one_and_assignments_share_its_space() {
    let assignments = assignments(2, 10);
    let [few, many, large] = [0, 1, 2].map(|number| assignments.open(partition(number)));
    receive(&few, 0).finish(None);
    for offset in 0..10 {
        receive(&many, offset).finish(None);
    }
    for offset in 0..8 {
        receive(&large, offset).finish(Some(output("12345678")));
    }
    let taken = || {
        let mut taken: Vec<_> = assignments
            .take_finished()
            .iter()
            .map(|assignment| (assignment.partition.partition, assignment.amount().records))
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
fn a_dropped_ack_handle_fails_the_stream_unless_its_assignment_is_closed() {
    let assignments = assignments(10, 1000);
    let stale = receive(&assignments.open(partition(0)), 5);
    let current = receive(&assignments.open(partition(0)), 5);
    assert!(!stale.is_current() && current.is_current());
    drop(stale);
    assert!(!assignments.is_abandoned());
    drop(current);
    assert!(assignments.is_abandoned());
}

#[test]
fn enough_finished_records_wake_the_committer() {
    let assignments = assignments(2, 1000);
    let assignment = assignments.open(partition(0));
    receive(&assignment, 0).finish(None);
    assert!(!assignments.trigger.is_woken());
    receive(&assignment, 1).finish(None);
    assert!(assignments.trigger.is_woken());
    assignments.wait(Duration::from_hours(1));
    assert!(!assignments.trigger.is_woken());
}

#[test]
fn enough_finished_bytes_wake_the_committer() {
    let assignments = assignments(100, 8);
    receive(&assignments.open(partition(0)), 0).finish(Some(output("12345678")));
    assert!(assignments.trigger.is_woken());
}

#[test]
fn pending_counts_what_a_transaction_has_taken_until_it_ends() {
    let assignments = assignments(10, 1000);
    let assignment = assignments.open(partition(0));
    let (first, pending) = assignment.receive(0, 100);
    assert_eq!(pending, Amount { records: 1, bytes: 100 });
    let (_second, pending) = assignment.receive(1, 20);
    assert_eq!(pending, Amount { records: 2, bytes: 120 });
    first.finish(None);
    let finished = assignments.take_finished();
    assert_eq!(assignment.pending(), Amount { records: 2, bytes: 120 });
    drop(finished);
    assert_eq!(assignment.pending(), Amount { records: 1, bytes: 20 });
}

#[test]
fn the_record_that_the_next_commit_waits_for_moves_on_as_records_are_taken() {
    let assignments = assignments(10, 1000);
    let assignment = assignments.open(partition(0));
    let [a, b, c] = [5, 6, 9].map(|offset| receive(&assignment, offset));
    assert!(a.is_first() && !b.is_first() && !c.is_first());
    b.finish(None);
    assert!(!c.is_first());
    a.finish(None);
    assert!(!c.is_first(), "two are ready to be committed");
    drop(assignments.take_finished());
    assert!(c.is_first());
    assignments.close_all();
    assert!(!c.is_first());
}

#[test]
fn what_was_taken_is_no_longer_current_once_its_assignment_is_closed() {
    let assignments = assignments(10, 1000);
    receive(&assignments.open(partition(0)), 5).finish(Some(output("done")));
    let finished = assignments.take_finished();
    assert!(finished[0].is_current());
    let _again = assignments.open(partition(0));
    assert!(!finished[0].is_current());
}

mod uncommitted_bytes {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A random operation on assignments.
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

    /// The bytes of outputs that are in an open assignment or in a batch under way.
    #[derive(Default)]
    struct Model {
        /// By partition: assignment, records (offset to the bytes of the output once finished).
        assignments: HashMap<i32, (usize, BTreeMap<i64, Option<usize>>)>,
        under_way: usize,
    }

    impl Model {
        fn bytes(&self) -> usize {
            let in_lanes =
                self.assignments.values().flat_map(|(_, records)| records.values().flatten());
            in_lanes.sum::<usize>() + self.under_way
        }

        /// Moves the taken records of one assignment into the batches under way.
        fn take(&mut self, finished: &FinishedRecords) {
            let (_, records) = self.assignments.get_mut(&finished.partition.partition).unwrap();
            let rest = records.split_off(&finished.next_offset);
            let taken = std::mem::replace(records, rest);
            self.under_way += taken.values().map(|bytes| bytes.unwrap()).sum::<usize>();
        }
    }

    proptest! {
        #[test]
        fn bytes_never_drift_from_what_assignments_and_commit_batches_hold(steps in steps()) {
            let assignments = assignments(8, 100);
            let uncommitted = assignments.uncommitted_bytes().clone();
            let mut model = Model::default();
            let mut open: HashMap<i32, Arc<Assignment>> = HashMap::new();
            let mut acks: Vec<(i32, usize, i64, AckHandle)> = Vec::new();
            let mut batches: Vec<FinishedRecords> = Vec::new();
            let mut next = 0;
            for step in steps {
                match step {
                    Step::Receive { partition } => {
                        if let Some((epoch, records)) = model.assignments.get_mut(&partition) {
                            let ack = receive(&open[&partition], next);
                            records.insert(next, None);
                            acks.push((partition, *epoch, next, ack));
                            next += 1;
                        }
                    }
                    Step::Finish { pick, bytes } if !acks.is_empty() => {
                        let (number, epoch, offset, ack) =
                            acks.swap_remove(pick.index(acks.len()));
                        ack.finish(Some(output(&"x".repeat(bytes))));
                        if let Some((current, records)) = model.assignments.get_mut(&number)
                            && *current == epoch
                        {
                            records.insert(offset, Some(bytes));
                        }
                    }
                    Step::Take => {
                        let taken = assignments.take_finished();
                        for finished in &taken {
                            model.take(finished);
                        }
                        batches.extend(taken);
                    }
                    Step::End { pick } if !batches.is_empty() => {
                        let batch = batches.swap_remove(pick.index(batches.len()));
                        model.under_way -= batch.outputs.iter().map(OutboundRecord::size).sum::<usize>();
                    }
                    Step::Finish { .. } | Step::End { .. } => {}
                    Step::Close { partition: number } => {
                        assignments.close(&[partition(number)]);
                        model.assignments.remove(&number);
                        open.remove(&number);
                    }
                    Step::Open { partition: number } => {
                        next += 1;
                        open.insert(number, assignments.open(partition(number)));
                        model.assignments.insert(number, (usize::try_from(next).unwrap(), BTreeMap::new()));
                    }
                }
                prop_assert_eq!(uncommitted.bytes(), model.bytes());
            }
            assignments.close_all();
            batches.clear();
            prop_assert_eq!(uncommitted.bytes(), 0);
            for (_, _, _, ack) in acks {
                ack.finish(Some(output("late")));
            }
            prop_assert_eq!(uncommitted.bytes(), 0);
        }
    }
}
