//! This instance's membership in the consumer group at one moment.

use std::sync::Arc;

use rdkafka::consumer::{Consumer as _, ConsumerGroupMetadata};

use super::consumer::GroupConsumer;

/// Proof of membership: this instance may commit the offsets of the assigned partitions.
pub(super) struct Membership<'a> {
    pub(super) consumer: &'a Arc<GroupConsumer>,
    pub(super) metadata: Arc<ConsumerGroupMetadata>,
}

impl<'a> Membership<'a> {
    /// Returns `None` if this instance is not a member, or has lost its partitions. Then nothing may
    /// be committed: the broker accepts transactional offsets without a member id unchecked.
    pub(super) fn of(consumer: &'a Arc<GroupConsumer>) -> Option<Self> {
        // The order matters: librdkafka drops the member id and marks the loss in one step.
        let metadata = Arc::new(consumer.group_metadata()?);
        (!consumer.assignment_lost()).then_some(Self { consumer, metadata })
    }
}
