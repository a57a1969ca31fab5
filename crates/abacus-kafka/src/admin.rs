//! Creating topics, at deployment.

use std::collections::HashSet;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;

use crate::config::{CALL_TIMEOUT, KafkaConfig};
use crate::error::Error;

/// A topic to create.
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

/// Creates those of `topics` that do not exist and gives their names. Existing ones are left as
/// they are.
pub async fn create_topics(config: &KafkaConfig, topics: &[Topic]) -> Result<Vec<String>, Error> {
    let admin: AdminClient<DefaultClientContext> =
        config.admin().create().map_err(Error::client("abacus-admin"))?;
    let new: Vec<NewTopic<'_>> = topics.iter().map(new_topic).collect();
    let options = AdminOptions::new()
        .operation_timeout(Some(CALL_TIMEOUT))
        .request_timeout(Some(CALL_TIMEOUT));
    let results =
        admin.create_topics(&new, &options).await.map_err(Error::call("creating topics"))?;
    let mut created = HashSet::new();
    for result in results {
        match result {
            Ok(name) => {
                created.insert(name);
            }
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => {
                let source = rdkafka::error::KafkaError::AdminOp(code);
                return Err(Error::Call { what: format!("creating topic {name}"), source });
            }
        }
    }
    Ok(topics.iter().map(|topic| topic.name.clone()).filter(|n| created.contains(n)).collect())
}

fn new_topic(topic: &Topic) -> NewTopic<'_> {
    let partitions = i32::try_from(topic.partitions).unwrap_or(i32::MAX);
    let new = NewTopic::new(&topic.name, partitions, TopicReplication::Fixed(topic.replication));
    topic.settings.iter().fold(new, |new, (name, value)| new.set(name, value))
}
