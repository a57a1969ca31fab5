//! The positions of a consumer: the next offset to read of each assigned partition.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::{Offset, TopicPartitionList};

use crate::record::TopicPartition;

/// Longest wait for the cluster's answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for which the start offsets of partitions without a record are remembered.
const REMEMBERED: Duration = Duration::from_secs(5);

/// Gives the start offset of a partition; `None` is the committed offset.
pub(crate) type StartFn = Box<dyn Fn(&TopicPartition) -> Option<i64> + Send>;

/// Reads positions.
pub(super) struct Positions {
    start: StartFn,
    /// Committed offsets of partitions without a received record, and the time of asking.
    committed: Option<(HashMap<TopicPartition, i64>, Instant)>,
}

impl Positions {
    pub(super) fn new(start: StartFn) -> Self {
        Self { start, committed: None }
    }

    /// Returns the positions of all assigned partitions. Leaves out partitions whose position is not
    /// known yet. Returns `None` if nothing is known.
    pub(super) fn read<C: ConsumerContext>(
        &mut self,
        consumer: &BaseConsumer<C>,
    ) -> Option<Vec<(TopicPartition, i64)>> {
        let list = consumer.position().ok()?;
        let partitions = TopicPartition::all_of(&list);
        let mut positions = Vec::with_capacity(partitions.len());
        let mut unknown = Vec::new();
        for (partition, element) in partitions.into_iter().zip(list.elements()) {
            let read = match element.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => (self.start)(&partition),
            };
            match read {
                Some(offset) => positions.push((partition, offset)),
                None => unknown.push(partition),
            }
        }
        if unknown.is_empty() {
            self.committed = None;
            return Some(positions);
        }
        let is_old = self.committed.as_ref().is_none_or(|(_, time)| time.elapsed() >= REMEMBERED);
        if is_old {
            self.committed = Some((committed(consumer, &unknown).ok()?, Instant::now()));
        }
        let (committed, _) = self.committed.as_ref()?;
        let known = |partition| committed.get(&partition).map(|offset| (partition, *offset));
        positions.extend(unknown.into_iter().filter_map(known));
        Some(positions)
    }
}

/// Returns the committed offsets; for a partition without one, the offset of its oldest record.
pub(crate) fn committed<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &[TopicPartition],
) -> KafkaResult<HashMap<TopicPartition, i64>> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for TopicPartition { topic, partition } in partitions {
        list.add_partition(topic, *partition);
    }
    let found = consumer.committed_offsets(list, ANSWER_TIMEOUT)?;
    let mut offsets = HashMap::new();
    let mut missing = Vec::new();
    for (partition, element) in TopicPartition::all_of(&found).into_iter().zip(found.elements()) {
        match element.offset() {
            Offset::Offset(offset) => drop(offsets.insert(partition, offset)),
            _ => missing.push(partition),
        }
    }
    let firsts = offsets_at(consumer, &missing, Offset::Beginning);
    let firsts = missing.into_iter().zip(firsts);
    offsets.extend(firsts.filter_map(|(partition, first)| Some((partition, first.ok()?))));
    Ok(offsets)
}

/// Returns the first or last offset of each partition, in the order of `partitions`. The end of a
/// partition is the end of its committed records.
pub(super) fn offsets_at<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &[TopicPartition],
    place: Offset,
) -> Vec<Result<i64, Code>> {
    if partitions.is_empty() {
        return Vec::new();
    }
    let asked = || -> KafkaResult<HashMap<TopicPartition, Result<i64, Code>>> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for TopicPartition { topic, partition } in partitions {
            list.add_partition_offset(topic, *partition, place)?;
        }
        let found = consumer.offsets_for_times(list, ANSWER_TIMEOUT)?;
        let offsets = found.elements().into_iter().map(|element| match element.error() {
            Ok(()) => element.offset().to_raw().ok_or(Code::Unknown),
            Err(error) => Err(error.rdkafka_error_code().unwrap_or(Code::Unknown)),
        });
        Ok(TopicPartition::all_of(&found).into_iter().zip(offsets).collect())
    };
    match asked() {
        Ok(found) => {
            let offset = |partition| found.get(partition).copied().unwrap_or(Err(Code::Unknown));
            partitions.iter().map(offset).collect()
        }
        Err(error) => {
            let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
            partitions.iter().map(|_| Err(code)).collect()
        }
    }
}
