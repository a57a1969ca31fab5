//! Decides all changes of topics before the first change. Pure.
//!
//! **Invariant:** a plan never removes partitions, and never leaves the completed topic with fewer
//! partitions than a request topic.

use std::fmt;

use abacus_kafka::admin::{Topic, TopicState};

/// Changes of existing topics that the operator allows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowed {
    pub(super) partitions: bool,
    pub(super) settings: bool,
}

/// Changes of one topic.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) topic: Topic,
    /// The existing topic; `None` if the topic will be created.
    pub(super) state: Option<TopicState>,
    pub(super) changes: Vec<Difference>,
    /// Differences that stay.
    pub(super) left: Vec<Difference>,
}

/// A difference between an existing topic and the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// The number of partitions differs.
    Partitions { is: u32, asked: u32 },
    /// The number of replicas differs.
    Replication { is: i32, asked: i32 },
    /// The value of a setting differs.
    Setting { name: &'static str, is: String, asked: String },
}

impl Difference {
    /// Returns advice for the operator.
    pub(super) fn remedy(&self) -> &'static str {
        match self {
            Self::Partitions { is, asked } if is < asked => "--add-partitions adds them",
            Self::Partitions { .. } => "Kafka cannot remove partitions",
            Self::Replication { .. } => "Kafka's kafka-reassign-partitions changes replicas",
            Self::Setting { .. } => "--update-settings sets it",
        }
    }

    fn is_allowed(&self, allowed: Allowed) -> bool {
        match self {
            Self::Partitions { .. } => allowed.partitions,
            Self::Replication { .. } => false,
            Self::Setting { .. } => allowed.settings,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partitions { is, asked } => write!(f, "{is} partitions, asked for {asked}"),
            Self::Replication { is, asked } => write!(f, "{is} replicas, asked for {asked}"),
            Self::Setting { name, is, asked } => write!(f, "{name} {is}, asked for {asked}"),
        }
    }
}

impl Plan {
    pub(super) fn new(topic: Topic, state: Option<TopicState>, allowed: Allowed) -> Self {
        let found = state.as_ref().map(|state| differences(&topic, state)).unwrap_or_default();
        let (changes, left) = found.into_iter().partition(|found| found.is_allowed(allowed));
        Self { topic, state, changes, left }
    }

    /// Returns the number of partitions after the plan.
    fn partitions(&self) -> u32 {
        let grows = self.changes.iter().any(|c| matches!(c, Difference::Partitions { .. }));
        match &self.state {
            Some(state) if grows => self.topic.partitions.max(state.partitions),
            Some(state) => state.partitions,
            None => self.topic.partitions,
        }
    }

    fn shrinking(&self) -> Option<String> {
        self.changes.iter().find_map(|change| match change {
            Difference::Partitions { is, asked } if asked < is => Some(format!(
                "{} has {is} partitions, asked for {asked}: Kafka cannot take partitions away, \
                 because their records would be lost; ask for at least {is}",
                self.topic.name
            )),
            _ => None,
        })
    }
}

fn differences(topic: &Topic, state: &TopicState) -> Vec<Difference> {
    let mut found = Vec::new();
    if state.partitions != topic.partitions {
        found.push(Difference::Partitions { is: state.partitions, asked: topic.partitions });
    }
    if topic.replication > 0 && state.replication != topic.replication {
        found.push(Difference::Replication { is: state.replication, asked: topic.replication });
    }
    for (name, asked) in &topic.settings {
        let is = state.settings.get(*name).map_or("not set", String::as_str);
        if is != asked {
            let (is, asked) = (is.to_owned(), asked.clone());
            found.push(Difference::Setting { name, is, asked });
        }
    }
    found
}

/// Returns the reasons against carrying out these plans; empty if there are none.
pub(super) fn refusals(plans: &[Plan], completed: &str, request_topics: &[&str]) -> Vec<String> {
    let mut refusals: Vec<String> = plans.iter().filter_map(Plan::shrinking).collect();
    let partitions = |name: &str| plans.iter().find(|p| p.topic.name == name).map(Plan::partitions);
    let most = partitions(completed).unwrap_or_default();
    for requests in request_topics {
        let needed = partitions(requests).unwrap_or_default();
        if needed > most {
            refusals.push(format!(
                "{completed} would have {most} partitions and {requests} {needed}: a completion \
                 goes to the partition of its request; ask for at least {needed}, with \
                 --add-partitions"
            ));
        }
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Allowed = Allowed { partitions: true, settings: true };
    const NOTHING: Allowed = Allowed { partitions: false, settings: false };

    fn asked(name: &str, partitions: u32) -> Topic {
        let settings = vec![("retention.ms", "1000".to_owned())];
        Topic { name: name.to_owned(), partitions, replication: -1, settings }
    }

    fn existing(partitions: u32, retention: &str) -> TopicState {
        let settings = [("retention.ms", retention), ("cleanup.policy", "delete")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        TopicState { partitions, replication: 1, settings, ..TopicState::default() }
    }

    fn plan(partitions: u32, state: TopicState, allowed: Allowed) -> Plan {
        Plan::new(asked("t", partitions), Some(state), allowed)
    }

    #[test]
    fn a_topic_as_asked_for_is_left_alone() {
        let plan = plan(4, existing(4, "1000"), BOTH);
        assert_eq!((plan.changes, plan.left), (vec![], vec![]));
    }

    #[test]
    fn what_differs_is_said_and_changed_only_where_allowed() {
        let partitions = Difference::Partitions { is: 4, asked: 6 };
        let retention = Difference::Setting {
            name: "retention.ms",
            is: "9".to_owned(),
            asked: "1000".to_owned(),
        };
        let both = vec![partitions.clone(), retention.clone()];
        let unchanged = plan(6, existing(4, "9"), NOTHING);
        assert_eq!((unchanged.partitions(), unchanged.left), (4, both.clone()));
        let changed = plan(6, existing(4, "9"), BOTH);
        assert_eq!((changed.partitions(), changed.changes), (6, both));
        let grown = plan(6, existing(4, "9"), Allowed { partitions: true, settings: false });
        assert_eq!((grown.changes, grown.left), (vec![partitions], vec![retention]));
    }

    #[test]
    fn copies_are_reported_and_never_changed() {
        let topic = Topic { replication: 3, ..asked("t", 4) };
        let plan = Plan::new(topic, Some(existing(4, "1000")), BOTH);
        assert_eq!(plan.left, [Difference::Replication { is: 1, asked: 3 }]);
    }

    #[test]
    fn fewer_partitions_are_a_refusal_once_they_are_to_be_changed() {
        let refused = refusals(&[plan(4, existing(6, "1000"), BOTH)], "t", &[]);
        assert!(refused[0].contains("t has 6 partitions, asked for 4"), "{refused:?}");
        assert_eq!(refusals(&[plan(4, existing(6, "1000"), NOTHING)], "t", &[]), [""; 0]);
    }

    /// Returns the refusals for a requested number of partitions, where the completed and the
    /// requested topic have the numbers in `has`.
    fn refused(asked_for: u32, has: [Option<u32>; 2], allowed: Allowed) -> Vec<String> {
        let plans: Vec<Plan> = ["completed", "requested"]
            .into_iter()
            .zip(has)
            .map(|(name, has)| {
                let state = has.map(|has| existing(has, "1000"));
                Plan::new(asked(name, asked_for), state, allowed)
            })
            .collect();
        refusals(&plans, "completed", &["requested"])
    }

    #[test]
    fn completed_never_has_fewer_partitions_than_requested() {
        let refused_as = |count: usize, asked, has, allowed| {
            let refusals = refused(asked, has, allowed);
            assert_eq!(refusals.len(), count, "{refusals:?}");
        };
        refused_as(0, 4, [None, None], NOTHING);
        refused_as(0, 6, [Some(4), Some(4)], NOTHING);
        refused_as(0, 6, [Some(4), Some(4)], BOTH);
        refused_as(1, 6, [Some(4), None], NOTHING);
        refused_as(0, 6, [Some(4), None], BOTH);
        refused_as(1, 4, [None, Some(6)], NOTHING);
        refused_as(1, 4, [Some(4), Some(6)], NOTHING);
        refused_as(0, 6, [Some(4), Some(6)], BOTH);
        refused_as(2, 4, [Some(2), Some(6)], BOTH);
    }
}
