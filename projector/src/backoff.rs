//! Waiting for an outside system without losing the place in the consumer group.

use std::rc::Rc;
use std::time::Duration;

use abacus_kafka::BatchReader;
use abacus_runtime::Shutdown;

use crate::error::Stop;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Waits that grow from one to the next until what is waited for has come.
pub(crate) struct Backoff {
    reader: Rc<BatchReader>,
    shutdown: Shutdown,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(reader: Rc<BatchReader>, shutdown: Shutdown) -> Self {
        Self { reader, shutdown, next: FIRST_WAIT }
    }

    /// Waits once, as a member of the group. Partitions may come and go meanwhile.
    pub(crate) fn wait(&mut self) -> Result<(), Stop> {
        self.check_shutdown()?;
        self.reader.stay(self.next)?;
        self.next = longer(self.next);
        self.check_shutdown()
    }

    /// What was waited for has come.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST_WAIT;
    }

    /// Stops what is going on if a shutdown was requested.
    pub(crate) fn check_shutdown(&self) -> Result<(), Stop> {
        if self.shutdown.is_requested() { Err(Stop::Requested) } else { Ok(()) }
    }
}

fn longer(wait: Duration) -> Duration {
    (wait * 2).min(LONGEST_WAIT)
}
