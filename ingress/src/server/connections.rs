//! How many connections are open, in all and from each address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use abacus_runtime::{Config, Environment};
use parking_lot::Mutex;

use crate::protection::{ClientAddress, Metrics, Proxies};

/// Connections beyond the limits that are told so; further ones are closed without a word.
const MAX_REFUSALS: usize = 256;

/// How many there may be.
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
                "How many connections may be open; further ones are answered 503 and closed",
            ),
            per_address: env.get(
                "ABACUS_MAX_CONNECTIONS_PER_ADDRESS",
                "1024",
                "How many of them from one address; proxies that are trusted may have all",
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

/// The connections that are open.
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

/// One open connection; dropping it says that it is closed.
pub(super) struct Ticket {
    connections: Arc<Connections>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Counted for its address.
    Of(IpAddr),
    OfProxy,
    Refused,
}

impl Connections {
    pub(super) fn new(config: ConnectionsConfig, proxies: Proxies, metrics: Metrics) -> Self {
        Self { config, proxies, metrics, state: Mutex::default() }
    }

    /// Counts a connection from `peer`. An error is one that is not to be served, with its ticket if
    /// it is to be told so.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Ticket, Option<Ticket>> {
        let kind = if self.proxies.trusts(peer) {
            Kind::OfProxy
        } else {
            Kind::Of(ClientAddress(peer).network())
        };
        let mut state = self.state.lock();
        match state.admit(kind, self.config) {
            Ok(()) => {
                self.metrics.connections.inc();
                Ok(self.ticket(kind))
            }
            Err(reason) => {
                self.metrics.connections_ended.with_label_values(&[reason]).inc();
                let is_told = state.refused < MAX_REFUSALS;
                state.refused += usize::from(is_told);
                Err(is_told.then(|| self.ticket(Kind::Refused)))
            }
        }
    }

    fn ticket(self: &Arc<Self>, kind: Kind) -> Ticket {
        Ticket { connections: Arc::clone(self), kind }
    }
}

impl State {
    fn admit(&mut self, kind: Kind, config: ConnectionsConfig) -> Result<(), &'static str> {
        if self.served >= config.total {
            return Err("total");
        }
        if let Kind::Of(address) = kind {
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
            Kind::OfProxy => self.served -= 1,
            Kind::Of(address) => {
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

impl Drop for Ticket {
    fn drop(&mut self) {
        self.connections.state.lock().close(self.kind);
        if !matches!(self.kind, Kind::Refused) {
            self.connections.metrics.connections.dec();
        }
    }
}

#[cfg(test)]
mod tests {
    use abacus_runtime::prometheus::Registry;

    use super::*;

    fn connections(trusted: &str) -> Arc<Connections> {
        let config = ConnectionsConfig { total: 4, per_address: 2 };
        let mut env = Environment::from_pairs([("ABACUS_TRUSTED_PROXIES", trusted)]);
        let proxies = Proxies::read(&mut env);
        let metrics = Metrics::register(&Registry::new()).unwrap();
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
        let tickets: Vec<_> = (0..4).map(|_| connections.admit(address(1)).ok().unwrap()).collect();
        assert!(connections.admit(address(1)).is_err());
        drop(tickets);
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
