//! Topics of the floor, new for each run.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication, TopicResult};
use rdkafka::client::DefaultClientContext;

use crate::kafka;

/// Number of partitions of the request topic.
pub(super) const REQUEST_PARTITIONS: i32 = 4;

/// The broker's default number of replicas.
const BROKER_DEFAULT: TopicReplication<'_> = TopicReplication::Fixed(-1);

const TIMEOUT: Duration = Duration::from_secs(15);

/// Names of the topics.
#[derive(Clone, Debug)]
pub(super) struct TopicNames {
    pub(super) requests: String,
    pub(super) replies: String,
}

/// Topics that exist until deleted.
pub(super) struct Topics {
    names: TopicNames,
    admin: AdminClient<DefaultClientContext>,
}

impl Topics {
    pub(super) async fn create(bootstrap: &str) -> Result<Self> {
        // A broker deletes topics with a delay, so each run uses new names.
        let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let names = TopicNames {
            requests: format!("abacus.bench.requests.{run}"),
            replies: format!("abacus.bench.replies.{run}"),
        };
        let admin: AdminClient<DefaultClientContext> = kafka::client(bootstrap).create()?;
        let new = [
            NewTopic::new(&names.requests, REQUEST_PARTITIONS, BROKER_DEFAULT),
            NewTopic::new(&names.replies, 1, BROKER_DEFAULT),
        ];
        let created = admin.create_topics(&new, &options()).await;
        check(created.with_context(|| format!("cannot create topics on {bootstrap}"))?)?;
        Ok(Self { names, admin })
    }

    pub(super) fn names(&self) -> &TopicNames {
        &self.names
    }

    pub(super) async fn delete(self) -> Result<()> {
        let names = [self.names.requests.as_str(), self.names.replies.as_str()];
        let deleted = self.admin.delete_topics(&names, &options()).await;
        check(deleted.with_context(|| format!("cannot delete {}", names.join(", ")))?)
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT))
}

fn check(results: Vec<TopicResult>) -> Result<()> {
    for result in results {
        if let Err((name, code)) = result {
            bail!("topic {name}: {code}");
        }
    }
    Ok(())
}
