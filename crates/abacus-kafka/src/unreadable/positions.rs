//! The positions of a consumer: the next offset to read of each assigned partition.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::topic_partition_list::TopicPartitionListElem;
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
    let list = TopicPartition::list_of(partitions);
    let found = consumer.committed_offsets(list, ANSWER_TIMEOUT)?;
    let mut offsets = HashMap::new();
    let mut missing = Vec::new();
    for (partition, element) in TopicPartition::all_of(&found).into_iter().zip(found.elements()) {
        match committed_offset(&element)? {
            Some(offset) => drop(offsets.insert(partition, offset)),
            None => missing.push(partition),
        }
    }
    let firsts = offsets_at(consumer, &missing, Offset::Beginning);
    let firsts = missing.into_iter().zip(firsts);
    offsets.extend(firsts.filter_map(|(partition, first)| Some((partition, first.ok()?))));
    Ok(offsets)
}

/// Returns the offset in an answer about committed offsets; `None` without a commit. An offset that
/// could not be read is an error: starting at the beginning would process the whole partition twice.
pub(crate) fn committed_offset(element: &TopicPartitionListElem<'_>) -> KafkaResult<Option<i64>> {
    element.error()?;
    match element.offset() {
        Offset::Offset(offset) => Ok(Some(offset)),
        Offset::Invalid => Ok(None),
        _ => Err(KafkaError::OffsetFetch(Code::InvalidArgument)),
    }
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

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::DefaultProducerContext;

    use super::*;
    use crate::config::KafkaConfig;

    fn partition(partition: i32) -> TopicPartition {
        TopicPartition { topic: "topic".into(), partition }
    }

    #[test]
    fn an_offset_that_cannot_be_read_is_an_error_and_no_missing_commit() {
        let cluster: MockCluster<'_, DefaultProducerContext> = MockCluster::new(1).unwrap();
        cluster.create_topic("topic", 1, 1).unwrap();
        let config = KafkaConfig::new(cluster.bootstrap_servers());
        let client = config.consumer("test", &[("group.id", "test")]);
        let consumer: BaseConsumer = client.create().unwrap();
        let without_commit = committed(&consumer, &[partition(0)]);
        assert_eq!(without_commit, Ok(HashMap::from([(partition(0), 0)])));
        let unread = committed(&consumer, &[partition(0), partition(1)]);
        assert_eq!(unread, Err(KafkaError::OffsetFetch(Code::UnknownTopicOrPartition)));
    }

    #[test]
    fn an_offset_of_another_kind_is_an_error() {
        let mut list = TopicPartition::list_of(&[partition(0)]);
        for (offset, expected) in [
            (Offset::Offset(7), Ok(Some(7))),
            (Offset::Invalid, Ok(None)),
            (Offset::End, Err(KafkaError::OffsetFetch(Code::InvalidArgument))),
        ] {
            list.set_all_offsets(offset).unwrap();
            assert_eq!(committed_offset(&list.elements()[0]), expected);
        }
    }
}
