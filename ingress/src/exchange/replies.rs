//! The thread that reads this instance's reply partition and hands every reply to its waiter.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use abacus_kafka::PartitionReader;
use abacus_runtime::{Config, Environment, Shutdown};
use abacus_schemas::headers::CORRELATION_ID;

use crate::exchange::waiters::Waiters;
use crate::metrics::Metrics;

/// What a reply turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyKind {
    /// Somebody waited for it.
    Answered,
    /// Nobody waited for it any more.
    Late,
    /// There was an answer already.
    Duplicate,
    /// It is not a reply to this instance, or to a request long ago.
    Foreign,
}

impl ReplyKind {
    pub(crate) const NAMES: [&str; 4] = ["answered", "late", "duplicate", "foreign"];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Late => "late",
            Self::Duplicate => "duplicate",
            Self::Foreign => "foreign",
        }
    }
}

/// Which reply partition is this instance's.
#[derive(Clone, Debug)]
pub(crate) struct ReplyConfig {
    pub(crate) instance: String,
    pub(crate) partition: Option<u32>,
}

impl Config for ReplyConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            instance: env.get(
                "ABACUS_INSTANCE_ID",
                "ingress",
                "Name of this instance, different from that of every other",
            ),
            partition: env.optional(
                "ABACUS_REPLY_PARTITION",
                "Reply partition of this instance alone; without it, one is chosen by its name",
            ),
        }
    }
}

impl ReplyConfig {
    /// The partition, out of `count`, that replies to this instance go to. Two instances that share
    /// one by chance get each other's replies too, and drop them.
    pub(crate) fn choose(&self, count: u32) -> anyhow::Result<i32> {
        let partition = match self.partition {
            Some(partition) => u64::from(partition),
            None => hash(&self.instance) % u64::from(count.max(1)),
        };
        anyhow::ensure!(
            partition < u64::from(count),
            "ABACUS_REPLY_PARTITION={partition} does not exist: the reply topic has {count}"
        );
        Ok(i32::try_from(partition)?)
    }
}

/// Reads replies until the shutdown.
pub(crate) fn read(
    reader: PartitionReader,
    waiters: &Arc<Waiters>,
    metrics: &Metrics,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    reader.run(
        || shutdown.is_requested(),
        |record| {
            let kind = match record.header(CORRELATION_ID) {
                Some(id) => waiters.answer(id, record.payload()),
                None => ReplyKind::Foreign,
            };
            metrics.count_reply(kind.name());
            if kind != ReplyKind::Answered {
                tracing::debug!(kafka.offset = record.offset(), kind = kind.name(), "stray reply");
            }
        },
    )?;
    Ok(())
}

/// The same at every start of one build, which is all that is needed: nothing outlives a process.
fn hash(instance: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    instance.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(partition: Option<u32>, count: u32) -> anyhow::Result<i32> {
        ReplyConfig { instance: "ingress".to_owned(), partition }.choose(count)
    }

    #[test]
    fn a_configured_partition_is_taken_if_it_exists() {
        assert_eq!(choose(Some(3), 4).unwrap(), 3);
        let error = choose(Some(4), 4).unwrap_err().to_string();
        assert!(error.contains("ABACUS_REPLY_PARTITION=4"), "{error}");
    }

    #[test]
    fn the_name_always_chooses_the_same_partition() {
        let chosen = choose(None, 32).unwrap();
        assert!((0..32).contains(&chosen));
        assert_eq!(choose(None, 32).unwrap(), chosen);
    }
}
