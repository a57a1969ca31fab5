//! A listener that closes before the server does.
//!
//! axum closes the listener and all idle connections at once, and thereby resets connections with a
//! request on the way. [`ClosingListener`] closes before the server ends, and still accepts the
//! connections already made by the kernel.

use std::future::pending;
use std::io;
use std::net::SocketAddr;

use abacus_runtime::Shutdown;
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};

/// Accepts until the shutdown; then refuses new connections while the server goes on.
pub(super) struct ClosingListener {
    open: Option<TcpListener>,
    address: SocketAddr,
    shutdown: Shutdown,
}

impl ClosingListener {
    pub(super) fn new(listener: TcpListener, shutdown: Shutdown) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { open: Some(listener), address, shutdown })
    }
}

impl Listener for ClosingListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let Some(listener) = &mut self.open else { pending().await };
            tokio::select! {
                // Accepting comes before the shutdown: connections already made by the kernel are
                // served.
                biased;
                accepted = Listener::accept(listener) => return accepted,
                () = self.shutdown.requested() => self.open = None,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

#[cfg(test)]
mod tests {
    use abacus_runtime::Runtime;

    use super::*;

    #[tokio::test]
    async fn connections_made_before_the_shutdown_are_accepted_and_later_ones_refused() {
        let runtime = Runtime::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut closing = ClosingListener::new(listener, runtime.shutting_down()).unwrap();
        let early = TcpStream::connect(closing.address).await.unwrap();
        runtime.stop().await;
        let (_, peer) = closing.accept().await;
        assert_eq!(peer, early.local_addr().unwrap());
        tokio::select! {
            biased;
            _ = closing.accept() => panic!("accepted after the shutdown"),
            () = tokio::task::yield_now() => {}
        }
        assert!(TcpStream::connect(closing.address).await.is_err());
    }
}
