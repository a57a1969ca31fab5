//! Topics: creating, describing and changing them, at deployment.

use std::collections::BTreeMap;
use std::future::Future;

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigResource, ConfigSource, NewPartitions, NewTopic,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use crate::config::{CALL_TIMEOUT, KafkaConfig};
use crate::error::Error;

/// A topic as it should be.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Number of partitions.
    pub partitions: u32,
    /// Copies of each partition; -1 leaves it to the broker's default.
    pub replication: i32,
    /// Topic settings.
    pub settings: Vec<(&'static str, String)>,
}

/// A topic as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicState {
    /// Number of partitions.
    pub partitions: u32,
    /// Copies of the first partition.
    pub replication: i32,
    /// Every setting in effect, the broker's defaults among them.
    pub settings: BTreeMap<String, String>,
    /// Of these, the ones that were set for this topic.
    pub own_settings: BTreeMap<String, String>,
}

/// Whether a topic was there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It was made.
    Created,
    /// It existed, and was left as it is.
    Existed,
}

/// A client that changes topics.
pub struct TopicAdmin {
    client: AdminClient<DefaultClientContext>,
}

impl TopicAdmin {
    /// A client; nothing is asked yet.
    pub fn new(config: &KafkaConfig) -> Result<Self, Error> {
        let client = config.admin().create().map_err(Error::client("abacus-admin"))?;
        Ok(Self { client })
    }

    /// How a topic is now; `None` if it does not exist.
    pub async fn describe(&self, name: &str) -> Result<Option<TopicState>, Error> {
        let Some((partitions, replication)) = self.shape(name)? else { return Ok(None) };
        let resource = ResourceSpecifier::Topic(name);
        let call = self.client.describe_configs([&resource], &options());
        let described = only(call, |code| code).await;
        let described = described.map_err(Error::call(format!("the settings of {name}")))?;
        let own = |source: &ConfigSource| *source == ConfigSource::DynamicTopic;
        Ok(Some(TopicState {
            partitions,
            replication,
            settings: settings(&described, |_| true),
            own_settings: settings(&described, own),
        }))
    }

    /// Creates a topic unless it exists.
    pub async fn create(&self, topic: &Topic) -> Result<Creation, Error> {
        let new = new_topic(topic);
        let call = self.client.create_topics([&new], &options());
        match only(call, |(_, code)| code).await {
            Ok(_) => Ok(Creation::Created),
            Err(KafkaError::AdminOp(RDKafkaErrorCode::TopicAlreadyExists)) => Ok(Creation::Existed),
            Err(error) => Err(Error::call(format!("creating topic {}", topic.name))(error)),
        }
    }

    /// Whether the brokers know a topic. One that was just created may not be known yet, and whoever
    /// asks is told that it does not exist.
    pub fn is_known(&self, name: &str) -> Result<bool, Error> {
        Ok(self.shape(name)?.is_some())
    }

    /// Raises a topic's number of partitions to `partitions`.
    pub async fn add_partitions(&self, name: &str, partitions: u32) -> Result<(), Error> {
        let count = usize::try_from(partitions).unwrap_or(usize::MAX);
        let new = NewPartitions::new(name, count);
        let call = self.client.create_partitions([&new], &options());
        let added = only(call, |(_, code)| code).await;
        added.map(drop).map_err(Error::call(format!("adding partitions to {name}")))
    }

    /// Changes settings of a topic that was described as `state`; its other settings stay.
    pub async fn set(
        &self,
        name: &str,
        state: &TopicState,
        changes: &[(&str, &str)],
    ) -> Result<(), Error> {
        // What is not named in this call goes back to its default.
        let own = state.own_settings.iter();
        let mut settings: BTreeMap<&str, &str> =
            own.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        settings.extend(changes.iter().map(|(name, value)| (*name, *value)));
        let altered = AlterConfig::new(ResourceSpecifier::Topic(name));
        let altered =
            settings.into_iter().fold(altered, |altered, (name, value)| altered.set(name, value));
        let call = self.client.alter_configs([&altered], &options());
        let set = only(call, |(_, code)| code).await;
        set.map(drop).map_err(Error::call(format!("changing settings of {name}")))
    }

    /// Partitions of a topic and copies of the first.
    fn shape(&self, name: &str) -> Result<Option<(u32, i32)>, Error> {
        let metadata = self.client.inner().fetch_metadata(Some(name), CALL_TIMEOUT);
        let metadata = metadata.map_err(Error::call(format!("the partitions of {name}")))?;
        let found = metadata.topics().iter().find(|topic| topic.name() == name);
        Ok(found.and_then(|topic| {
            let first = topic.partitions().first()?;
            let partitions = u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX);
            Some((partitions, i32::try_from(first.replicas().len()).unwrap_or(i32::MAX)))
        }))
    }
}

/// The result of a call about one thing.
async fn only<T, E>(
    call: impl Future<Output = KafkaResult<Vec<Result<T, E>>>>,
    code: impl Fn(E) -> RDKafkaErrorCode,
) -> Result<T, KafkaError> {
    let result = call.await?.into_iter().next().ok_or(KafkaError::Canceled)?;
    result.map_err(|error| KafkaError::AdminOp(code(error)))
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(CALL_TIMEOUT)).request_timeout(Some(CALL_TIMEOUT))
}

fn settings(
    described: &ConfigResource,
    is_wanted: impl Fn(&ConfigSource) -> bool,
) -> BTreeMap<String, String> {
    let wanted = described.entries.iter().filter(|entry| is_wanted(&entry.source));
    wanted.filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?))).collect()
}

fn new_topic(topic: &Topic) -> NewTopic<'_> {
    let partitions = i32::try_from(topic.partitions).unwrap_or(i32::MAX);
    let new = NewTopic::new(&topic.name, partitions, TopicReplication::Fixed(topic.replication));
    topic.settings.iter().fold(new, |new, (name, value)| new.set(name, value))
}
