//! Growing waits for an outside system, without leaving the consumer group.

use std::rc::Rc;
use std::time::Duration;

use abacus_kafka::BatchReader;
use abacus_runtime::Shutdown;

use crate::error::Stop;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Waits that double up to a limit, until a reset.
pub(crate) struct Backoff {
    reader: Rc<BatchReader>,
    shutdown: Shutdown,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(reader: Rc<BatchReader>, shutdown: Shutdown) -> Self {
        Self { reader, shutdown, next: FIRST_WAIT }
    }

    /// Waits once, as a member of the consumer group. Rebalances may happen during the wait.
    pub(crate) fn wait(&mut self) -> Result<(), Stop> {
        self.check_shutdown()?;
        self.reader.stay(self.next)?;
        self.next = longer(self.next);
        self.check_shutdown()
    }

    /// Starts again with the shortest wait, after a success.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST_WAIT;
    }

    /// Returns an error after a shutdown request.
    pub(crate) fn check_shutdown(&self) -> Result<(), Stop> {
        if self.shutdown.is_requested() { Err(Stop::Requested) } else { Ok(()) }
    }
}

fn longer(wait: Duration) -> Duration {
    (wait * 2).min(LONGEST_WAIT)
}
