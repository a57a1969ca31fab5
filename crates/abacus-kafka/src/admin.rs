//! Creates, describes and changes topics, at deployment.

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

/// The intended state of a topic.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Name of the topic.
    pub name: String,
    /// Number of partitions.
    pub partitions: u32,
    /// Replicas of each partition; -1 for the broker's default.
    pub replication: i32,
    /// Topic settings.
    pub settings: Vec<(&'static str, String)>,
}

/// The current state of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicState {
    /// Number of partitions.
    pub partitions: u32,
    /// Replicas of the first partition.
    pub replication: i32,
    /// Every setting in effect, including the broker's defaults.
    pub settings: BTreeMap<String, String>,
    /// The settings made for this topic.
    pub own_settings: BTreeMap<String, String>,
}

/// Result of creating a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// The topic was created.
    Created,
    /// The topic existed and is unchanged.
    Existed,
}

/// A client that changes topics.
pub struct TopicAdmin {
    client: AdminClient<DefaultClientContext>,
}

impl TopicAdmin {
    /// Creates a client, without a request.
    pub fn new(config: &KafkaConfig) -> Result<Self, Error> {
        let client = config.admin().create().map_err(Error::client("abacus-admin"))?;
        Ok(Self { client })
    }

    /// Returns the current state of a topic, or `None` if it does not exist.
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

    /// Creates a topic if it does not exist.
    pub async fn create(&self, topic: &Topic) -> Result<Creation, Error> {
        let new = new_topic(topic);
        let call = self.client.create_topics([&new], &options());
        match only(call, |(_, code)| code).await {
            Ok(_) => Ok(Creation::Created),
            Err(KafkaError::AdminOp(RDKafkaErrorCode::TopicAlreadyExists)) => Ok(Creation::Existed),
            Err(error) => Err(Error::call(format!("creating topic {}", topic.name))(error)),
        }
    }

    /// Returns true if the brokers know a topic. Brokers may still report a newly created topic as
    /// missing.
    pub fn is_known(&self, name: &str) -> Result<bool, Error> {
        Ok(self.shape(name)?.is_some())
    }

    /// Raises the number of a topic's partitions to `partitions`.
    pub async fn add_partitions(&self, name: &str, partitions: u32) -> Result<(), Error> {
        let count = usize::try_from(partitions).unwrap_or(usize::MAX);
        let new = NewPartitions::new(name, count);
        let call = self.client.create_partitions([&new], &options());
        let added = only(call, |(_, code)| code).await;
        added.map(drop).map_err(Error::call(format!("adding partitions to {name}")))
    }

    /// Changes settings of a topic, and keeps the settings in `state`.
    pub async fn set(
        &self,
        name: &str,
        state: &TopicState,
        changes: &[(&str, &str)],
    ) -> Result<(), Error> {
        // The call resets every setting it does not name.
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

    /// Returns the number of partitions, and the replicas of the first.
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

/// Returns the only result of a call for one resource.
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
