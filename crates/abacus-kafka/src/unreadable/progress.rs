//! The progress of each assigned partition, and the decision to skip a batch. No I/O.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::finding::Finding;
use crate::record::TopicPartition;

/// Time without progress after which a partition is examined.
const QUIET: Duration = Duration::from_secs(3);
/// Time without progress after which a partition is examined that was blocked a short time ago.
const QUIET_AFTER_SKIP: Duration = Duration::from_secs(1);
/// Pause before a partition without a fault is examined again at the same position.
const RECHECK: Duration = Duration::from_secs(10);

/// The progress of the assigned partitions.
pub(super) struct Progress {
    partitions: HashMap<TopicPartition, PartitionProgress>,
    skip_after: Duration,
}

#[derive(Debug)]
struct PartitionProgress {
    position: i64,
    since: Instant,
    examined: Option<Instant>,
    /// The last finding is a record at the position. Records at an offset do not change, so reading
    /// again would find nothing new.
    has_delivered: bool,
    blocked: Option<Blockage>,
    skipped: Option<Instant>,
}

#[derive(Debug)]
struct Blockage {
    since: Instant,
    error: String,
}

/// The consequence of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Decision {
    /// The partition goes on, or waits.
    Wait,
    /// The batch has been unreadable for long enough.
    Skip,
}

impl Progress {
    pub(super) fn new(skip_after: Duration) -> Self {
        Self { partitions: HashMap::new(), skip_after }
    }

    /// Records the positions of all assigned partitions.
    pub(super) fn observe(&mut self, positions: &[(TopicPartition, i64)], now: Instant) {
        self.partitions
            .retain(|known, _| positions.iter().any(|(partition, _)| partition == known));
        for (partition, position) in positions {
            let new = PartitionProgress::at(*position, now);
            let known = self.partitions.entry(partition.clone()).or_insert(new);
            if known.position != *position {
                let skipped = known.skipped;
                *known = PartitionProgress { skipped, ..PartitionProgress::at(*position, now) };
            }
        }
    }

    /// Returns the partitions to examine, with their positions.
    pub(super) fn due(&self, now: Instant) -> Vec<(TopicPartition, i64)> {
        let due = self.partitions.iter().filter(|(_, progress)| {
            let is_recent = |time: Instant| now.saturating_duration_since(time) < RECHECK;
            progress.blocked.is_some()
                || now >= progress.since + self.quiet(progress, now)
                    && !progress.examined.is_some_and(is_recent)
        });
        due.map(|(partition, progress)| (partition.clone(), progress.position)).collect()
    }

    /// Returns true if the last look at the partition's position has delivered a record. A partition
    /// paused on purpose stands still without a fault.
    pub(super) fn has_delivered(&self, partition: &TopicPartition) -> bool {
        self.partitions.get(partition).is_some_and(|progress| progress.has_delivered)
    }

    /// Records the finding about a partition at its position.
    pub(super) fn note(
        &mut self,
        partition: &TopicPartition,
        finding: &Finding,
        now: Instant,
    ) -> Decision {
        let skip_after = self.skip_after;
        let Some(progress) = self.partitions.get_mut(partition) else { return Decision::Wait };
        progress.examined = Some(now);
        progress.has_delivered = *finding == Finding::Delivered;
        let error = match finding {
            Finding::Delivered | Finding::Readable => {
                progress.blocked = None;
                return Decision::Wait;
            }
            Finding::Unknown => {
                if let Some(blocked) = &mut progress.blocked {
                    blocked.since = now;
                }
                return Decision::Wait;
            }
            Finding::Refused(error) | Finding::Unreadable { error, .. } => error,
        };
        let has_skipped = progress.has_skipped(skip_after, now);
        let blocked = progress.blocked.get_or_insert(Blockage { since: now, error: String::new() });
        blocked.error.clone_from(error);
        let is_over = has_skipped && finding.is_certain() || now >= blocked.since + skip_after;
        if is_over && matches!(finding, Finding::Unreadable { .. }) {
            return Decision::Skip;
        }
        Decision::Wait
    }

    /// Records that the batch at the partition's position is skipped. A further batch that an error
    /// names is skipped at once, until the partition has been readable for the whole time limit.
    pub(super) fn mark_skipped(&mut self, partition: &TopicPartition, now: Instant) {
        if let Some(progress) = self.partitions.get_mut(partition) {
            progress.skipped = Some(now);
            progress.blocked = None;
        }
    }

    /// The partitions that stand still, with position and error.
    pub(super) fn blocked(&self) -> impl Iterator<Item = (&TopicPartition, i64, &str)> {
        self.partitions.iter().filter_map(|(partition, progress)| {
            let blocked = progress.blocked.as_ref()?;
            Some((partition, progress.position, blocked.error.as_str()))
        })
    }

    fn quiet(&self, progress: &PartitionProgress, now: Instant) -> Duration {
        if progress.has_skipped(self.skip_after, now) { QUIET_AFTER_SKIP } else { QUIET }
    }
}

impl PartitionProgress {
    fn at(position: i64, now: Instant) -> Self {
        Self {
            position,
            since: now,
            examined: None,
            has_delivered: false,
            blocked: None,
            skipped: None,
        }
    }

    fn has_skipped(&self, within: Duration, now: Instant) -> bool {
        self.skipped.is_some_and(|time| now.saturating_duration_since(time) < within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SKIP_AFTER: Duration = Duration::from_mins(1);
    const SECOND: Duration = Duration::from_secs(1);

    fn partition() -> TopicPartition {
        TopicPartition { topic: "requested".into(), partition: 1 }
    }

    fn unreadable() -> Finding {
        Finding::Unreadable { base: Some(7), error: "broken".to_owned() }
    }

    fn silent() -> Finding {
        Finding::Unreadable { base: None, error: "no record".to_owned() }
    }

    struct Clock {
        progress: Progress,
        now: Instant,
    }

    impl Clock {
        fn new() -> Self {
            Self { progress: Progress::new(SKIP_AFTER), now: Instant::now() }
        }

        /// Lets a second pass with the partition at `position`. Returns true if it is due.
        fn tick(&mut self, position: i64) -> bool {
            self.now += SECOND;
            self.progress.observe(&[(partition(), position)], self.now);
            !self.progress.due(self.now).is_empty()
        }

        fn note(&mut self, finding: &Finding) -> Decision {
            self.progress.note(&partition(), finding, self.now)
        }

        /// Number of seconds until the batch at `position` is skipped.
        fn seconds_until_skip(&mut self, position: i64) -> u32 {
            for second in 0..1000 {
                if self.tick(position) && self.note(&unreadable()) == Decision::Skip {
                    self.progress.mark_skipped(&partition(), self.now);
                    return second;
                }
            }
            panic!("the batch is never skipped");
        }
    }

    #[test]
    fn a_partition_that_advances_is_never_examined() {
        let mut clock = Clock::new();
        assert!((0..100).all(|position| !clock.tick(position)));
    }

    #[test]
    fn a_quiet_partition_is_examined_now_and_then() {
        let mut clock = Clock::new();
        let mut examined = 0;
        for _ in 0..60 {
            if clock.tick(7) {
                examined += 1;
                assert_eq!(clock.note(&Finding::Readable), Decision::Wait);
            }
        }
        assert!((4..=7).contains(&examined), "{examined} times");
    }

    #[test]
    fn a_record_that_was_delivered_is_not_looked_at_again() {
        let mut clock = Clock::new();
        let mut looks = |position, found: &Finding| {
            let mut looks = 0;
            for _ in 0..60 {
                if clock.tick(position) {
                    let has_delivered = clock.progress.has_delivered(&partition());
                    looks += u32::from(!has_delivered);
                    let finding = if has_delivered { &Finding::Delivered } else { found };
                    assert_eq!(clock.note(finding), Decision::Wait);
                }
            }
            looks
        };
        assert_eq!(looks(7, &Finding::Delivered), 1);
        assert_eq!(looks(8, &Finding::Delivered), 1, "the next record is not known");
        assert!(looks(9, &Finding::Readable) > 1, "records may follow at the end of the partition");
    }

    #[test]
    fn an_unreadable_batch_is_skipped_after_the_time_limit_and_the_next_one_at_once() {
        let mut clock = Clock::new();
        assert!((60..=65).contains(&clock.seconds_until_skip(7)));
        assert!(clock.seconds_until_skip(8) <= 2, "the next batch holds the partition up too");
        for position in 9..100 {
            clock.tick(position);
        }
        assert!(clock.seconds_until_skip(100) >= 60, "a partition that goes on starts again");
    }

    #[test]
    fn silence_after_a_skipped_batch_skips_nothing_before_the_time_limit() {
        let mut clock = Clock::new();
        clock.seconds_until_skip(7);
        for _ in 0..50 {
            if clock.tick(8) {
                assert_eq!(clock.note(&silent()), Decision::Wait);
            }
        }
        let is_skipped = (0..20).any(|_| clock.tick(8) && clock.note(&silent()) == Decision::Skip);
        assert!(is_skipped, "a batch that gives no error is skipped too");
    }

    #[test]
    fn a_readable_moment_starts_the_time_again() {
        let mut clock = Clock::new();
        for second in 0..200 {
            if clock.tick(7) {
                let finding = if second % 50 == 0 { Finding::Readable } else { unreadable() };
                assert_eq!(clock.note(&finding), Decision::Wait);
            }
        }
    }

    #[test]
    fn a_refused_partition_is_blocked_and_never_skipped() {
        let mut clock = Clock::new();
        for _ in 0..1000 {
            if clock.tick(7) {
                let refused = Finding::Refused("not allowed".to_owned());
                assert_eq!(clock.note(&refused), Decision::Wait);
            }
        }
        let blocked: Vec<_> = clock.progress.blocked().collect();
        assert_eq!(blocked, [(&partition(), 7, "not allowed")]);
    }

    #[test]
    fn an_outage_neither_skips_a_record_nor_clears_a_fault() {
        let mut clock = Clock::new();
        for _ in 0..10 {
            if clock.tick(7) {
                assert_eq!(clock.note(&unreadable()), Decision::Wait);
            }
        }
        for _ in 0..1000 {
            clock.tick(7);
            assert_eq!(clock.note(&Finding::Unknown), Decision::Wait);
        }
        assert_eq!(clock.progress.blocked().count(), 1);
        clock.tick(7);
        assert_eq!(clock.note(&unreadable()), Decision::Wait, "the time starts again");
        clock.progress.observe(&[], clock.now);
        assert_eq!(clock.progress.blocked().count(), 0, "a revoked partition is somebody else's");
    }
}
