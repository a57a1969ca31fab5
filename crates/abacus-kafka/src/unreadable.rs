//! Detection of batches that librdkafka cannot read. No batch stops a partition for good.
//!
//! A batch may be compressed in a wrong way, damaged, or written in an unknown format. librdkafka
//! then fetches the batch again and again, often without an error to the application. [`Watch`]
//! observes the positions of a consumer. If a position stands still although committed records
//! follow, a second client reads the partition alone and finds the cause. A batch that stays unreadable for
//! [`KafkaConfig::skip_unreadable_after`](crate::KafkaConfig) is reported as an [`UnreadableBatch`],
//! and reading continues after the batch.
//!
//! **Invariants:**
//! - Connection errors, missing topics and missing permissions never skip a record.
//! - A batch is skipped only after a second client has failed to read the same offset throughout
//!   the time limit.

mod batch;
mod finding;
mod metrics;
mod monitor;
mod positions;
mod probe;
mod progress;
mod search;
mod watch;

pub use batch::UnreadableBatch;
pub use metrics::Metrics as ReadMetrics;
pub use monitor::ReadMonitor;
pub(crate) use positions::{committed, committed_offset};
pub(crate) use watch::Watch;
