//! Ports for servers that a test stops and starts.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Returns a free port outside the range for outgoing connections. A client could take a port of
/// that range while the server is down.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 4000).unwrap();
    loop {
        let port = 26_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 4000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
