//! Limits of open connections, in total and by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use abacus_runtime::{Config, Environment};
use parking_lot::Mutex;

use crate::Metrics;
use crate::edge::proxies::{ClientAddress, Proxies};

/// Limit of refused connections with an answer. Above the limit, a refused connection is closed
/// without an answer.
const MAX_REFUSALS: usize = 256;

/// Limits of open connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectionsConfig {
    total: usize,
    per_address: usize,
}

impl Config for ConnectionsConfig {
    fn read(env: &mut Environment) -> Self {
        let config = Self {
            total: env.get(
                "ABACUS_MAX_CONNECTIONS",
                "16384",
                "Limit of open connections; further ones are answered 503 and closed",
            ),
            per_address: env.get(
                "ABACUS_MAX_CONNECTIONS_PER_ADDRESS",
                "1024",
                "Limit of open connections from one address; trusted proxies are exempt",
            ),
        };
        for (name, value) in [
            ("ABACUS_MAX_CONNECTIONS", config.total),
            ("ABACUS_MAX_CONNECTIONS_PER_ADDRESS", config.per_address),
        ] {
            if value == 0 {
                env.problem(name, "expected at least 1");
            }
        }
        config
    }
}

/// The open connections.
pub(super) struct Connections {
    config: ConnectionsConfig,
    proxies: Proxies,
    metrics: Metrics,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    served: usize,
    refused: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Counts one open connection until it is dropped.
pub(super) struct ConnectionGuard {
    connections: Arc<Connections>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A client's connection, counted by address.
    Client(IpAddr),
    Proxy,
    Refused,
}

impl Connections {
    pub(super) fn new(config: ConnectionsConfig, proxies: Proxies, metrics: Metrics) -> Self {
        Self { config, proxies, metrics, state: Mutex::default() }
    }

    /// Counts a connection from `peer`. Returns an error beyond the limits, with a guard if the
    /// connection gets an answer.
    pub(super) fn admit(
        self: &Arc<Self>,
        peer: IpAddr,
    ) -> Result<ConnectionGuard, Option<ConnectionGuard>> {
        let kind = if self.proxies.trusts(peer) {
            Kind::Proxy
        } else {
            Kind::Client(ClientAddress(peer).network())
        };
        let mut state = self.state.lock();
        match state.admit(kind, self.config) {
            Ok(()) => {
                self.metrics.connections.inc();
                Ok(self.guard(kind))
            }
            Err(reason) => {
                self.metrics.connections_ended.with_label_values(&[reason]).inc();
                let is_answered = state.refused < MAX_REFUSALS;
                state.refused += usize::from(is_answered);
                Err(is_answered.then(|| self.guard(Kind::Refused)))
            }
        }
    }

    fn guard(self: &Arc<Self>, kind: Kind) -> ConnectionGuard {
        ConnectionGuard { connections: Arc::clone(self), kind }
    }
}

impl State {
    fn admit(&mut self, kind: Kind, config: ConnectionsConfig) -> Result<(), &'static str> {
        if self.served >= config.total {
            return Err("total");
        }
        if let Kind::Client(address) = kind {
            let open = self.by_address.entry(address).or_default();
            if *open >= config.per_address {
                return Err("address");
            }
            *open += 1;
        }
        self.served += 1;
        Ok(())
    }

    fn close(&mut self, kind: Kind) {
        match kind {
            Kind::Refused => self.refused -= 1,
            Kind::Proxy => self.served -= 1,
            Kind::Client(address) => {
                self.served -= 1;
                let Some(open) = self.by_address.get_mut(&address) else { return };
                *open -= 1;
                if *open == 0 {
                    self.by_address.remove(&address);
                }
            }
        }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.connections.state.lock().close(self.kind);
        if !matches!(self.kind, Kind::Refused) {
            self.connections.metrics.connections.dec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(trusted: &str) -> Arc<Connections> {
        let config = ConnectionsConfig { total: 4, per_address: 2 };
        let mut env = Environment::from_pairs([("ABACUS_TRUSTED_PROXIES", trusted)]);
        let proxies = Proxies::read(&mut env);
        let metrics = Metrics::unregistered();
        Arc::new(Connections::new(config, proxies, metrics))
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn one_address_may_have_some_and_all_together_more() {
        let connections = connections("");
        let first = [1, 1, 2].map(|last| connections.admit(address(last)).ok().unwrap());
        assert!(matches!(connections.admit(address(1)), Err(Some(_))));
        let _fourth = connections.admit(address(3)).ok().unwrap();
        assert!(matches!(connections.admit(address(4)), Err(Some(_))));
        assert_eq!(connections.metrics.connections.get(), 4);
        drop(first);
        assert!(connections.admit(address(1)).is_ok());
        assert_eq!(connections.state.lock().by_address.len(), 1, "the closed ones are forgotten");
        for reason in ["total", "address"] {
            let ended = connections.metrics.connections_ended.with_label_values(&[reason]);
            assert_eq!(ended.get(), 1, "{reason}");
        }
    }

    #[test]
    fn a_trusted_proxy_may_have_all() {
        let connections = connections("192.0.2.1");
        let guards: Vec<_> = (0..4).map(|_| connections.admit(address(1)).ok().unwrap()).collect();
        assert!(connections.admit(address(1)).is_err());
        drop(guards);
        assert_eq!(connections.state.lock().served, 0);
    }

    #[test]
    fn only_so_many_are_told_that_there_are_too_many() {
        let connections = connections("");
        let _open: Vec<_> = (1..=4).map(|last| connections.admit(address(last))).collect();
        let told: Vec<_> = (0..MAX_REFUSALS).map(|_| connections.admit(address(9))).collect();
        assert!(matches!(connections.admit(address(9)), Err(None)));
        drop(told);
        assert!(matches!(connections.admit(address(9)), Err(Some(_))));
    }
}
