//! A TCP proxy for clients of a Kafka broker. An [`EndTxnTrap`] may catch a request on its way.
//!
//! The proxy passes whole requests and answers. Bytes that a client sends in another protocol close
//! the connection.

mod connection;
mod frame;
mod trap;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use connection::Connection;
use frame::Frame;
pub use trap::{CaughtEndTxn, EndTxnTrap};

/// A proxy in front of one broker.
pub(crate) struct KafkaProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: SocketAddr,
    /// Index of the broker in its cluster.
    broker: usize,
    trap: Arc<EndTxnTrap>,
    is_closed: AtomicBool,
}

impl KafkaProxy {
    /// A proxy in front of the broker at `target`, on a free port.
    pub(crate) fn in_front_of(target: SocketAddr, broker: usize, trap: &Arc<EndTxnTrap>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (trap, is_closed) = (Arc::clone(trap), AtomicBool::new(false));
        let shared = Arc::new(Shared { target, broker, trap, is_closed });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if accepting.is_closed.load(Ordering::Relaxed) {
                    return;
                }
                accepting.connect(client);
            }
        });
        Self { address, shared }
    }

    /// Address of the proxy.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for KafkaProxy {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    /// Connects a client to the broker. A connection to a dead broker is closed at once.
    fn connect(self: &Arc<Self>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(self.target) else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let connection = Arc::new(Connection::new(client, server));
        let (shared, to_broker) = (Arc::clone(self), Arc::clone(&connection));
        thread::spawn(move || shared.pass_requests(&to_broker));
        let shared = Arc::clone(self);
        thread::spawn(move || shared.pass_answers(&connection));
    }

    fn pass_requests(&self, connection: &Arc<Connection>) {
        while let Some(request) = Frame::read(&mut connection.client_stream()) {
            if self.trap.catches(&request) {
                self.trap.put(CaughtEndTxn::new(request, connection, self.broker));
                return;
            }
            if self.trap.awaits(&request) {
                connection.hold_answer(request.correlation());
            }
            if !connection.ask(&request) {
                break;
            }
        }
        connection.close();
    }

    fn pass_answers(&self, connection: &Connection) {
        while let Some(answer) = Frame::read(&mut connection.broker_stream()) {
            if connection.holds(&answer) {
                self.trap.deliver();
            }
            if !connection.answer(answer) {
                break;
            }
        }
        connection.close();
    }
}

#[cfg(test)]
mod tests;
