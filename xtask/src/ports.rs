//! Ports of the parts of a stack.
//!
//! A part keeps its first port. If another program uses the port, the part takes the next free
//! port, and keeps that port.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Highest port below the ephemeral ports of Linux: outgoing connections do not take ports of a
/// stack.
const HIGHEST: u16 = 32_767;

/// Ports of a stack, by the name of the listener.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports(BTreeMap<String, u16>);

/// State of the part that has a port already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The part runs; the port belongs to the part although it is in use.
    Running,
    /// The part does not run; a listener on the port belongs to another program.
    Stopped,
}

impl Ports {
    pub(crate) fn get(&self, name: &str) -> Option<u16> {
        self.0.get(name).copied()
    }

    /// Returns the port for `name`: the stored port if it is still usable, or else the first free
    /// port from `preferred`.
    pub(crate) fn claim(
        &mut self,
        name: &str,
        preferred: u16,
        holder: Holder,
        is_free: impl Fn(u16) -> bool,
    ) -> Result<u16> {
        if let Some(port) = self.get(name)
            && (holder == Holder::Running || is_free(port))
        {
            return Ok(port);
        }
        self.0.remove(name);
        let port = (preferred..=HIGHEST)
            .find(|port| !self.0.values().any(|held| held == port) && is_free(*port))
            .with_context(|| format!("no port from {preferred} to {HIGHEST} is free for {name}"))?;
        self.0.insert(name.to_owned(), port);
        Ok(port)
    }
}

/// Returns true if `port` of the loopback interface has no listener.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_port_is_taken_where_it_is_free() {
        let mut ports = Ports::default();
        assert_eq!(ports.claim("redis", 6379, Holder::Stopped, |_| true).unwrap(), 6379);
    }

    #[test]
    fn a_port_in_use_is_passed_over_and_the_choice_remembered() {
        let mut ports = Ports::default();
        let busy = |port| port != 6379 && port != 6380;
        assert_eq!(ports.claim("redis", 6379, Holder::Stopped, busy).unwrap(), 6381);
        assert_eq!(ports.claim("redis", 6379, Holder::Stopped, |_| true).unwrap(), 6381);
    }

    #[test]
    fn a_remembered_port_that_somebody_else_took_is_given_up() {
        let mut ports = Ports::default();
        ports.claim("redis", 6379, Holder::Stopped, |_| true).unwrap();
        let port = ports.claim("redis", 6379, Holder::Stopped, |port| port != 6379).unwrap();
        assert_eq!(port, 6380);
    }

    #[test]
    fn a_running_part_keeps_its_port_although_it_is_taken() {
        let mut ports = Ports::default();
        ports.claim("redis", 6379, Holder::Stopped, |_| true).unwrap();
        assert_eq!(ports.claim("redis", 6379, Holder::Running, |_| false).unwrap(), 6379);
    }

    #[test]
    fn two_parts_never_share_a_port() {
        let mut ports = Ports::default();
        ports.claim("a", 9081, Holder::Stopped, |_| true).unwrap();
        assert_eq!(ports.claim("b", 9081, Holder::Stopped, |_| true).unwrap(), 9082);
    }

    #[test]
    fn a_listener_makes_its_port_busy() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
