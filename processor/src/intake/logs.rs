//! Limits on the log lines about records: any producer can cause any number of them.

use abacus_runtime::LogLimit;

/// One limit for each kind of line.
#[derive(Default)]
pub(crate) struct Logs {
    pub(crate) dead_letters: LogLimit,
    pub(crate) reply_headers: LogLimit,
    /// Questions to the registry without a good answer.
    pub(crate) registry: LogLimit,
}
