//! The contenders that drain the backlog.

use std::env;
use std::fmt;
use std::process::Command;

use anyhow::Result;

use crate::child::Running;
use crate::processor;
use crate::topic_set::TopicSet;

/// A contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contender {
    /// The bare loop.
    Bare,
    /// Processors, sharing the partitions.
    Processors { instances: u32, delivery: Delivery },
}

/// The guarantee of the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Delivery {
    ExactlyOnce,
    AtLeastOnce,
}

/// Name of the setting for the guarantee.
const DELIVERY: &str = "ABACUS_DELIVERY";

impl Contender {
    /// All contenders. At-least-once is included if the processor supports it.
    pub(super) fn all(instances: &[u32], set: &TopicSet) -> Result<Vec<Self>> {
        let exactly_once =
            |&instances| Self::Processors { instances, delivery: Delivery::ExactlyOnce };
        let mut all = vec![Self::Bare];
        all.extend(instances.iter().map(exactly_once));
        let help = set.program("abacus-processor").arg("--help").output()?;
        if String::from_utf8_lossy(&help.stdout).contains(DELIVERY) {
            all.push(Self::Processors { instances: 1, delivery: Delivery::AtLeastOnce });
        }
        Ok(all)
    }

    /// Starts the contender as `group`.
    pub(super) fn start(self, set: &TopicSet, group: &str) -> Result<Vec<Running>> {
        match self {
            Self::Bare => {
                let mut bare = set.set(Command::new(env::current_exe()?));
                bare.args(["bare", "--group", group]);
                Ok(vec![Running::start("bare", bare)?])
            }
            Self::Processors { instances, delivery } => {
                let settings = [(DELIVERY, delivery.setting())];
                (1..=instances).map(|n| processor::start(set, group, n, &settings)).collect()
            }
        }
    }
}

impl Delivery {
    fn setting(self) -> &'static str {
        match self {
            Self::ExactlyOnce => "exactly-once",
            Self::AtLeastOnce => "at-least-once",
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bare => formatter.write_str("bare loop"),
            Self::Processors { instances: 1, delivery } => {
                write!(formatter, "processor, {}", delivery.setting())
            }
            Self::Processors { instances, delivery } => {
                write!(formatter, "{instances} processors, {}", delivery.setting())
            }
        }
    }
}
