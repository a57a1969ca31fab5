//! Several brokers with replicas of each other's partitions, each to be stopped and started.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::broker::{Broker, Node};
use crate::kafka_proxy::{EndTxnTrap, KafkaProxy};
use crate::stack::Stack;
use crate::wait::{PATIENCE, wait_until};

/// A Kafka cluster for one test. Every node holds a replica of each partition. Writes need more
/// than half of the nodes. Each node has a second address, behind a proxy.
pub struct Cluster {
    brokers: Vec<Broker>,
    proxies: Vec<KafkaProxy>,
    trap: Arc<EndTxnTrap>,
}

impl Cluster {
    /// Starts a cluster of `count` nodes on free ports and waits until it serves.
    pub fn start(stack: &Stack, count: usize) -> Self {
        let trap = Arc::default();
        let (nodes, proxies): (Vec<_>, _) = (0..count).map(|index| proxied(index, &trap)).unzip();
        let prepared: Vec<_> =
            nodes.iter().map(|node| Broker::prepare(stack, *node, &nodes, None)).collect();
        let format = |(broker, mut formatting): (Broker, _)| {
            broker.assert_formatted(&mut formatting);
            broker
        };
        let brokers = prepared.into_iter().map(format).collect();
        let mut cluster = Self { brokers, proxies, trap };
        cluster.brokers.iter_mut().for_each(Broker::launch);
        wait_until("the brokers to serve", PATIENCE, || cluster.is_in_sync());
        cluster
    }

    /// The `host:port` of all nodes, separated by commas.
    pub fn bootstrap(&self) -> String {
        let each: Vec<String> = self.brokers.iter().map(Broker::bootstrap).collect();
        each.join(",")
    }

    /// The `host:port` of the proxies of all nodes. Clients with this address reach the nodes only
    /// through the proxies.
    pub fn proxied_bootstrap(&self) -> String {
        let address = |proxy: &KafkaProxy| proxy.address().to_string();
        self.proxies.iter().map(address).collect::<Vec<_>>().join(",")
    }

    /// The trap in the proxies of all nodes.
    pub fn end_txn_trap(&self) -> &EndTxnTrap {
        &self.trap
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

/// A node with the proxy of its second address.
fn proxied(index: usize, trap: &Arc<EndTxnTrap>) -> (Node, KafkaProxy) {
    let id = u16::try_from(index + 1).expect("a small number");
    let proxy = |listener: SocketAddr| KafkaProxy::in_front_of(listener, index, trap);
    Node::behind(id, proxy)
}
