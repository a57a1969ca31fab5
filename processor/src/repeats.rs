//! The recent request ids of each partition: a request that is written twice is completed once.
//!
//! A repeat is a record whose id was seen at another offset of the partition, with equal content. A
//! repeat gets a reply, and no completion. Records of a partition are committed in offset order, so
//! a repeat never commits the offset of an unfinished first record.
//!
//! **Invariant:** a remembered id keeps the offset of its first record. After a rewind that record is
//! read again at this offset and completed, and its repeats are still repeats.
//!
//! The memory is lost when the process ends, and starts empty when a partition comes from another
//! processor.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

use abacus_schemas::ComputeRequested;
use parking_lot::Mutex;
use uuid::Uuid;

/// Relation of a record to the earlier records of its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recurrence {
    /// The id is new, as far as is remembered.
    First,
    /// The request was written before.
    Repeat,
    /// Another request with this id was written before.
    Conflict,
}

impl Recurrence {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Repeat => "repeat",
            Self::Conflict => "conflict",
        }
    }
}

/// The latest request ids of the partitions of a lane.
pub(crate) struct Repeats {
    /// Number of remembered ids of each partition.
    window: usize,
    /// Keyed at random: no producer can make two contents look equal.
    hasher: RandomState,
    partitions: Mutex<HashMap<i32, RecentIds>>,
}

/// The latest request ids of a partition, in the order of their first records.
#[derive(Default)]
struct RecentIds {
    first: HashMap<Uuid, FirstRecord>,
    order: VecDeque<Uuid>,
}

/// The first record of an id.
#[derive(Clone, Copy)]
struct FirstRecord {
    offset: i64,
    content: u64,
}

impl Repeats {
    pub(crate) fn new(window: usize) -> Self {
        Self { window, hasher: RandomState::new(), partitions: Mutex::default() }
    }

    /// Compares a request with the earlier requests of its partition, and remembers a new id.
    pub(crate) fn classify(
        &self,
        partition: i32,
        offset: i64,
        request: &ComputeRequested,
    ) -> Recurrence {
        let Ok(id) = Uuid::try_parse(&request.request_id) else { return Recurrence::First };
        if self.window == 0 {
            return Recurrence::First;
        }
        let ComputeRequested { operation, operands, requester, source, .. } = request;
        // A producer that retries may write a new time.
        let content = self.hasher.hash_one((operation, operands, requester, source));
        let mut partitions = self.partitions.lock();
        partitions.entry(partition).or_default().classify(
            id,
            FirstRecord { offset, content },
            self.window,
        )
    }
}

impl RecentIds {
    fn classify(&mut self, id: Uuid, record: FirstRecord, window: usize) -> Recurrence {
        match self.first.get(&id) {
            Some(first) if first.offset == record.offset => Recurrence::First,
            Some(first) if first.content == record.content => Recurrence::Repeat,
            Some(_) => Recurrence::Conflict,
            None => {
                self.remember(id, record, window);
                Recurrence::First
            }
        }
    }

    fn remember(&mut self, id: Uuid, record: FirstRecord, window: usize) {
        if self.order.len() >= window
            && let Some(oldest) = self.order.pop_front()
        {
            self.first.remove(&oldest);
        }
        self.order.push_back(id);
        self.first.insert(id, record);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use abacus_schemas::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn request(id: u128, n: &str) -> ComputeRequested {
        ComputeRequested {
            request_id: Uuid::from_u128(id).to_string(),
            operation: "factorial".to_owned(),
            operands: BTreeMap::from([("n".to_owned(), n.to_owned())]),
            requester: None,
            source: "tests".to_owned(),
            requested_at: Timestamp::now(),
        }
    }

    #[test]
    fn a_repeat_has_the_id_and_the_content_of_an_earlier_record() {
        let repeats = Repeats::new(10);
        assert_eq!(repeats.classify(0, 10, &request(1, "7")), Recurrence::First);
        assert_eq!(repeats.classify(0, 12, &request(1, "7")), Recurrence::Repeat);
        assert_eq!(repeats.classify(0, 13, &request(1, "8")), Recurrence::Conflict);
        assert_eq!(repeats.classify(0, 14, &request(2, "7")), Recurrence::First);
        let mut of_another = request(1, "7");
        of_another.requester = Some("ada".to_owned());
        assert_eq!(repeats.classify(0, 15, &of_another), Recurrence::Conflict);
    }

    #[test]
    fn the_spelling_of_an_id_and_the_time_of_a_retry_do_not_matter() {
        let repeats = Repeats::new(10);
        let mut retry = request(1, "7");
        assert_eq!(repeats.classify(0, 10, &retry), Recurrence::First);
        retry.request_id = retry.request_id.to_uppercase();
        retry.requested_at = Timestamp::now();
        assert_eq!(repeats.classify(0, 11, &retry), Recurrence::Repeat);
    }

    #[test]
    fn a_record_that_is_read_again_is_still_the_first() {
        let repeats = Repeats::new(10);
        for _ in 0..3 {
            assert_eq!(repeats.classify(0, 10, &request(1, "7")), Recurrence::First);
            assert_eq!(repeats.classify(0, 12, &request(1, "7")), Recurrence::Repeat);
        }
    }

    #[test]
    fn partitions_are_independent_and_the_window_is_bounded() {
        let repeats = Repeats::new(2);
        assert_eq!(repeats.classify(0, 0, &request(1, "7")), Recurrence::First);
        assert_eq!(repeats.classify(1, 5, &request(1, "7")), Recurrence::First);
        for id in 2..100 {
            assert_eq!(repeats.classify(0, 9, &request(id, "7")), Recurrence::First);
        }
        assert_eq!(repeats.classify(0, 200, &request(1, "7")), Recurrence::First);
        assert_eq!(repeats.classify(1, 201, &request(1, "7")), Recurrence::Repeat);
        let partitions = repeats.partitions.lock();
        assert_eq!((partitions[&0].first.len(), partitions[&0].order.len()), (2, 2));
    }

    #[test]
    fn no_window_is_no_memory() {
        let repeats = Repeats::new(0);
        assert_eq!(repeats.classify(0, 0, &request(1, "7")), Recurrence::First);
        assert_eq!(repeats.classify(0, 1, &request(1, "7")), Recurrence::First);
    }

    proptest! {
        /// Reads a partition with commits and rewinds at any place, as the stream does: outputs up to
        /// the committed offset count once.
        #[test]
        fn each_id_is_completed_once_over_any_rewinds(
            ids in prop::collection::vec(0..5_u128, 1..40),
            steps in prop::collection::vec((1..10_usize, 0..10_usize), 1..20),
        ) {
            let repeats = Repeats::new(100);
            let (mut committed, mut completed) = (0, Vec::new());
            for (read, commit) in steps.into_iter().chain([(100, 100)]) {
                // Reads some records from the committed offset on, and commits a part of them.
                let batch: Vec<_> = (committed..ids.len()).take(read).collect();
                let outputs: Vec<_> = batch
                    .iter()
                    .map(|offset| {
                        let id = ids[*offset];
                        let offset = i64::try_from(*offset).unwrap();
                        (id, repeats.classify(0, offset, &request(id, "7")))
                    })
                    .collect();
                let part = commit.min(batch.len());
                let first = |(id, recurrence): &(u128, Recurrence)| {
                    (*recurrence == Recurrence::First).then_some(*id)
                };
                completed.extend(outputs[..part].iter().filter_map(first));
                committed += part;
            }
            let all: BTreeSet<u128> = ids.iter().copied().collect();
            prop_assert_eq!(completed.len(), all.len());
            prop_assert_eq!(completed.into_iter().collect::<BTreeSet<_>>(), all);
        }
    }
}
