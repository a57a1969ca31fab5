//! Several brokers with replicas of each other's partitions, each to be stopped and started.

use crate::broker::{Broker, Node};
use crate::stack::Stack;
use crate::wait::{PATIENCE, wait_until};

/// A Kafka cluster for one test. Every node holds a replica of each partition. Writes need more
/// than half of the nodes.
pub struct Cluster {
    brokers: Vec<Broker>,
}

impl Cluster {
    /// Starts a cluster of `count` nodes on free ports and waits until it serves.
    pub fn start(stack: &Stack, count: usize) -> Self {
        let nodes: Vec<Node> =
            (1..=count).map(|id| Node::new(id.try_into().expect("a small number"))).collect();
        let prepared: Vec<_> =
            nodes.iter().map(|node| Broker::prepare(stack, *node, &nodes, None)).collect();
        let format = |(broker, mut formatting): (Broker, _)| {
            broker.assert_formatted(&mut formatting);
            broker
        };
        let mut cluster = Self { brokers: prepared.into_iter().map(format).collect() };
        cluster.brokers.iter_mut().for_each(Broker::launch);
        wait_until("the brokers to serve", PATIENCE, || cluster.is_in_sync());
        cluster
    }

    /// The `host:port` of all nodes, separated by commas.
    pub fn bootstrap(&self) -> String {
        let each: Vec<String> = self.brokers.iter().map(Broker::bootstrap).collect();
        each.join(",")
    }

    /// Number of nodes.
    pub fn size(&self) -> usize {
        self.brokers.len()
    }

    /// Returns a node.
    pub fn broker(&mut self, index: usize) -> &mut Broker {
        &mut self.brokers[index]
    }

    /// Checks whether every broker knows all brokers and all replicas are in sync. The error names
    /// the first gap.
    pub fn is_in_sync(&self) -> Result<(), String> {
        self.brokers.iter().try_for_each(|broker| broker.sees_all_in_sync(self.brokers.len()))
    }
}
