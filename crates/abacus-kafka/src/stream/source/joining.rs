//! Joining the consumer group.

use std::sync::Arc;

use rdkafka::consumer::Consumer as _;

use super::hand_over::HandOver;
use crate::config::KafkaConfig;
use crate::error::Error;
use crate::stream::committer::Committer;
use crate::stream::consumer::{GroupConsumer, RebalanceContext};
use crate::stream::metrics::Metrics;
use crate::stream::settings::StreamSettings;
use crate::unreadable::{ReadMonitor, Watch};

/// Creates the consumers of a source.
pub(super) struct Joining {
    pub(super) config: KafkaConfig,
    pub(super) name: String,
    pub(super) settings: StreamSettings,
    pub(super) committer: Arc<Committer>,
    pub(super) metrics: Metrics,
    pub(super) monitor: ReadMonitor,
}

impl Joining {
    /// Joins the group by a new consumer, and observes the consumer.
    pub(super) fn join(&self) -> Result<(Arc<GroupConsumer>, Watch), Error> {
        let hand_over = HandOver {
            assignments: self.committer.assignments(),
            committer: Arc::clone(&self.committer),
            timeout: self.settings.hand_over,
        };
        let context = RebalanceContext::new(
            self.name.clone(),
            Box::new(move |consumer, partitions| hand_over.run(consumer, partitions)),
            self.metrics.clone(),
        );
        let consumer: GroupConsumer = self
            .config
            .group_consumer(
                &self.name,
                &self.settings.group,
                self.settings.protocol,
                &[
                    // Small, because prefetched records are lost when a partition moves.
                    ("queued.min.messages", "10000"),
                    ("queued.max.messages.kbytes", "16384"),
                    // Prefetched records are lost on a pause too, so a fetch brings less of one
                    // partition than may be pending. A larger record comes all the same (KIP-74).
                    ("fetch.message.max.bytes", "524288"),
                ],
            )
            .create_with_context(context)
            .map_err(Error::client(&self.name))?;
        let topics: Vec<&str> = self.settings.topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(Error::call("subscribing"))?;
        let consumer = Arc::new(consumer);
        self.committer.set_consumer(&consumer);
        let (config, monitor) = (self.config.clone(), self.monitor.clone());
        let watch = Watch::spawn(config, &self.name, &consumer, Box::new(|_| None), monitor)?;
        Ok((consumer, watch))
    }
}
