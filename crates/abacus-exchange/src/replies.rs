//! The reader of the reply partition of this instance. Hands replies to their waiters.

use std::hash::{DefaultHasher, Hash, Hasher};

use abacus_kafka::PartitionReader;
use abacus_runtime::{Config, Environment, Shutdown, shared_settings};
use abacus_schemas::Event;
use abacus_schemas::headers::CORRELATION_ID;

use crate::metrics::Metrics;
use crate::outcome::ReplyKind;
use crate::reply_reader::ReplyReader;
use crate::waiters::Waiters;

/// Choice of the reply partition.
#[derive(Clone, Debug)]
pub struct ReplyConfig {
    /// Name of this instance.
    pub instance: String,
    /// Reply partition of this instance alone; `None` chooses by the name.
    pub partition: Option<u32>,
}

impl Config for ReplyConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            instance: shared_settings::instance_id(env, "ingress"),
            partition: env.optional(
                "ABACUS_REPLY_PARTITION",
                "Reply partition of this instance alone; by default the instance's name chooses one",
            ),
        }
    }
}

impl ReplyConfig {
    /// Returns the partition, out of `count`, for replies to this instance. The name may choose the
    /// partition of another instance; both then read and drop each other's replies.
    pub fn choose(&self, count: u32) -> anyhow::Result<i32> {
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

/// Reads replies until the shutdown. A reply about another request than its correlation id has no
/// effect. Blocks the thread.
pub fn read_replies<Q, R: Event, L>(
    reader: PartitionReader,
    replies: &ReplyReader<R>,
    waiters: &Waiters<Q, L>,
    metrics: &Metrics,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    reader.run(
        || shutdown.is_requested(),
        |record| {
            let kind = match record.header(CORRELATION_ID) {
                Some(id) => waiters.answer_checked(id, record.payload(), replies),
                None => ReplyKind::Foreign,
            };
            metrics.replies.with_label_values(&[kind.name()]).inc();
            if kind != ReplyKind::Answered {
                tracing::debug!(kafka.offset = record.offset(), kind = kind.name(), "stray reply");
            }
        },
    )?;
    Ok(())
}

/// Hashes a name, equally at every start of a build. No hash outlives a process.
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
