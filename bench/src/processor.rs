//! Processors started for a measurement.

use anyhow::Result;

use crate::child::Running;
use crate::topic_set::TopicSet;

/// Starts processor `number` of `group`, with `settings` in addition to the environment.
pub(crate) fn start(
    set: &TopicSet,
    group: &str,
    number: u32,
    settings: &[(&str, &str)],
) -> Result<Running> {
    let name = format!("processor-{number}");
    let mut processor = set.program("abacus-processor");
    processor
        .env("ABACUS_PROCESSOR_GROUP", group)
        .env("ABACUS_INSTANCE_ID", &name)
        .env("ABACUS_ADMIN_LISTEN", "127.0.0.1:0")
        .env("ABACUS_LOG", "warn")
        .envs(settings.iter().copied());
    Running::start(&name, processor)
}
