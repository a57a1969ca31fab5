//! Leaving a consumer group at once.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};

use crate::error::Error;

/// Longest wait until the partitions are given up.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(5);

/// Leaves the group, so that other members receive the partitions at once. A static member that
/// only closes its consumer keeps its partitions until the session timeout; librdkafka sends
/// `LeaveGroup` for such a member after unsubscribing. Blocks, and runs the rebalance callback.
pub(crate) fn leave<C: ConsumerContext>(consumer: &BaseConsumer<C>) {
    consumer.unsubscribe();
    let deadline = Instant::now() + LEAVE_TIMEOUT;
    let is_assigned = || match consumer.assignment().map_err(Error::call("the assignment")) {
        Ok(assigned) => assigned.count() > 0,
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "{error}");
            false
        }
    };
    while is_assigned() && Instant::now() < deadline {
        drop(consumer.poll(POLL));
    }
}
