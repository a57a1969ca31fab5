//! Start, service and drain of the server.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use abacus_runtime::{ByteSize, Config, Environment, Runtime, Shutdown, announce};
use anyhow::Context as _;
use axum::Router;
use axum::response::Response;
use axum::serve::Listener as _;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::time::timeout;

use super::connection::{ConnectionServer, GRACE, Refusal, Stage};
use super::connections::{Connections, ConnectionsConfig};
use super::listener::ClosingListener;
use super::timeouts::Timeouts;
use crate::Metrics;
use crate::edge::EdgeConfig;

/// Time for requests in flight to end after the shutdown was requested.
const DRAIN: Duration = Duration::from_secs(10);
/// Time for writing the last answers after the end of the drain.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
const STOP_BUDGET: Duration = Duration::from_secs(12);
/// Connections that the kernel holds before they are accepted. The kernel has a limit of its own.
const BACKLOG: u32 = 1024;

/// Settings of the server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    listen: SocketAddr,
    /// Size of the kernel's buffers of a connection, in each direction.
    socket_buffer: ByteSize,
    /// Largest request body.
    pub max_body: ByteSize,
    timeouts: Timeouts,
    connections: ConnectionsConfig,
}

impl Config for ServerConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            listen: env.get(
                "ABACUS_HTTP_LISTEN",
                "127.0.0.1:8080",
                "Address on which the API is served",
            ),
            socket_buffer: env.get(
                "ABACUS_SOCKET_BUFFER",
                "128KiB",
                "Size of the kernel's buffers of a connection, in each direction; Linux doubles the size",
            ),
            max_body: env.get(
                "ABACUS_MAX_BODY",
                "2MiB",
                "Largest request body; larger ones are answered 413",
            ),
            timeouts: Timeouts::read(env),
            connections: ConnectionsConfig::read(env),
        }
    }
}

/// A listening server.
pub struct HttpServer {
    listener: TcpListener,
    connections: Arc<Connections>,
    server: ConnectionServer,
}

impl HttpServer {
    /// Listens. `refusal` makes the answer for a connection beyond the limits.
    pub fn open(
        config: &ServerConfig,
        edge: &EdgeConfig,
        metrics: Metrics,
        router: Router,
        refusal: fn() -> Response,
    ) -> anyhow::Result<Self> {
        let listener = listen(config).with_context(|| {
            format!("could not listen on {} (ABACUS_HTTP_LISTEN)", config.listen)
        })?;
        announce("http", listener.local_addr()?);
        let connections =
            Connections::new(config.connections, edge.proxies.clone(), metrics.clone());
        let largest_head = edge.limits.largest_head();
        let refusal = Refusal { answer: refusal };
        let server = ConnectionServer::new(router, config.timeouts, largest_head, refusal, metrics);
        Ok(Self { listener, connections: Arc::new(connections), server })
    }

    /// Serves in a task until the shutdown. If requests are still in flight at the end of the
    /// drain, `end_waits` is called; the handlers must then answer at once.
    pub fn spawn(self, runtime: &Runtime, end_waits: impl FnOnce() + Send + 'static) {
        runtime.spawn("http", STOP_BUDGET, |shutdown| self.serve(end_waits, shutdown));
    }

    /// Serves until the shutdown. Then the server accepts no new connection, and answers every
    /// request in flight.
    async fn serve(
        self,
        end_waits: impl FnOnce() + Send + 'static,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        let Self { listener, connections, server } = self;
        let listener = ClosingListener::new(listener, shutdown.clone())?;
        let (stage, _) = watch::channel(Stage::Serving);
        {
            let mut accepting = pin!(accept(listener, &connections, &server, &stage));
            tokio::select! {
                biased;
                () = shutdown.requested() => {}
                () = &mut accepting => {}
            }
            // Connections made before the listener closed are still served.
            let _ = timeout(GRACE, accepting).await;
        }
        stage.send_replace(Stage::Draining);
        if timeout(DRAIN, stage.closed()).await.is_ok() {
            return Ok(());
        }
        end_waits();
        if timeout(LAST_ANSWERS, stage.closed()).await.is_err() {
            tracing::warn!("connections were cut: their requests did not end");
            stage.send_replace(Stage::Cut);
        }
        Ok(())
    }
}

/// Listens. The connections have buffers of a fixed size, because otherwise the kernel would take
/// megabytes for a client that does not read.
fn listen(config: &ServerConfig) -> io::Result<TcpListener> {
    let socket = if config.listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    let size = u32::try_from(config.socket_buffer.as_u64()).unwrap_or(u32::MAX);
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(size)?;
    socket.set_recv_buffer_size(size)?;
    socket.bind(config.listen)?;
    socket.listen(BACKLOG)
}

/// Accepts connections for ever.
async fn accept(
    mut listener: ClosingListener,
    connections: &Arc<Connections>,
    server: &ConnectionServer,
    stage: &watch::Sender<Stage>,
) {
    loop {
        let (stream, peer) = listener.accept().await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps Nagle's algorithm");
        }
        match connections.admit(peer.ip()) {
            Ok(guard) => server.serve(stream, peer, (guard, stage.subscribe())),
            Err(Some(guard)) => server.refuse(stream, (guard, stage.subscribe())),
            Err(None) => drop(stream),
        }
    }
}

#[cfg(test)]
mod tests;
