//! Several brokers that hold copies of each other's partitions, each to be stopped and started.

use crate::broker::{Broker, Node};
use crate::stack::Stack;
use crate::wait::{PATIENCE, wait_until};

/// A Kafka of a test's own, of one or more nodes. Each partition has a copy on every one of them,
/// and is written to as long as more than half of them are there.
pub struct Cluster {
    brokers: Vec<Broker>,
}

impl Cluster {
    /// Starts one of `count` nodes on free ports, and waits until it serves.
    pub fn start(stack: &Stack, count: usize) -> Self {
        let nodes: Vec<Node> =
            (1..=count).map(|id| Node::new(id.try_into().expect("a small number"))).collect();
        let prepared: Vec<_> =
            nodes.iter().map(|node| Broker::prepare(stack, *node, &nodes)).collect();
        let format = |(broker, mut formatting): (Broker, _)| {
            broker.assert_formatted(&mut formatting);
            broker
        };
        let mut cluster = Self { brokers: prepared.into_iter().map(format).collect() };
        cluster.brokers.iter_mut().for_each(Broker::launch);
        wait_until("the brokers to serve", PATIENCE, || cluster.is_in_sync());
        cluster
    }

    /// All of their `host:port`.
    pub fn bootstrap(&self) -> String {
        let each: Vec<String> = self.brokers.iter().map(Broker::bootstrap).collect();
        each.join(",")
    }

    /// How many nodes there are.
    pub fn size(&self) -> usize {
        self.brokers.len()
    }

    /// One of them.
    pub fn broker(&mut self, index: usize) -> &mut Broker {
        &mut self.brokers[index]
    }

    /// Whether every broker says that all are there and have all that the others have; else what is
    /// missing.
    pub fn is_in_sync(&self) -> Result<(), String> {
        self.brokers.iter().try_for_each(|broker| broker.sees_all_in_sync(self.brokers.len()))
    }
}
