//! The HTTP server: listens, serves, and drains.
//!
//! It speaks HTTP/1.1. A connection is served as long as it moves ([`patience`]) and while there are
//! not too many ([`connections`]); what is said on it is the router's affair.

mod connection;
mod connections;
mod listener;
mod patience;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use abacus_runtime::{ByteSize, Config, Environment, Runtime, Shutdown, announce};
use anyhow::Context as _;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::serve::Listener as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use self::connection::{Server, Stage};
use self::connections::{Connections, ConnectionsConfig};
use self::listener::ClosingListener;
use self::patience::Timeouts;
use crate::exchange::waiters::Waiters;
use crate::protection::{self, ProtectionConfig};

/// After the listener is closed, busy connections are told to end, and have this long to do so
/// before idle ones are closed: a request that crosses the closing of its connection is lost.
const GOODBYE: Duration = Duration::from_millis(250);
/// How long requests may go on waiting for their replies after the shutdown was requested.
const DRAIN: Duration = Duration::from_secs(10);
/// Then their waits are ended, and the last answers have this long to be written.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
const STOP_BUDGET: Duration = Duration::from_secs(12);
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What is served where, and to how many at a time.
#[derive(Clone, Debug)]
pub(crate) struct ServerConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) max_body: ByteSize,
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

/// Listens, and serves until the shutdown.
pub(crate) async fn open(
    config: &ServerConfig,
    protection: &ProtectionConfig,
    metrics: protection::Metrics,
    router: Router,
) -> anyhow::Result<Opened> {
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("could not listen on {} (ABACUS_HTTP_LISTEN)", config.listen))?;
    announce("http", listener.local_addr()?);
    let proxies = protection.proxies().clone();
    let connections = Connections::new(config.connections, proxies, metrics.clone());
    let server = Server::new(router, config.timeouts, protection.largest_head(), metrics);
    Ok(Opened { listener, connections: Arc::new(connections), server })
}

/// A server that listens.
pub(crate) struct Opened {
    listener: TcpListener,
    connections: Arc<Connections>,
    server: Server,
}

impl Opened {
    /// Serves until the shutdown.
    pub(crate) fn spawn(self, waiters: Arc<Waiters>, runtime: &Runtime) {
        runtime.spawn("http", STOP_BUDGET, |shutdown| self.serve(waiters, shutdown));
    }

    /// At the shutdown no new connection is accepted, and every request under way is answered: with
    /// its reply while the drain lasts, and as pending at its end.
    async fn serve(self, waiters: Arc<Waiters>, shutdown: Shutdown) -> anyhow::Result<()> {
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
            // Connections that were made before the listener was closed are still to be served.
            let _ = timeout(GOODBYE, accepting).await;
        }
        stage.send_replace(Stage::Draining);
        if timeout(DRAIN, stage.closed()).await.is_ok() {
            return Ok(());
        }
        waiters.end_all();
        if timeout(LAST_ANSWERS, stage.closed()).await.is_err() {
            tracing::warn!("connections were cut: their requests did not end");
            stage.send_replace(Stage::Cut);
        }
        Ok(())
    }
}

/// Accepts connections for ever.
async fn accept(
    mut listener: ClosingListener,
    connections: &Arc<Connections>,
    server: &Server,
    stage: &watch::Sender<Stage>,
) {
    loop {
        let (stream, peer) = listener.accept().await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps Nagle's algorithm");
        }
        match connections.admit(peer.ip()) {
            Ok(ticket) => server.serve(stream, peer, (ticket, stage.subscribe())),
            Err(Some(ticket)) => server.refuse(stream, (ticket, stage.subscribe())),
            Err(None) => drop(stream),
        }
    }
}

/// Makes an answer the last one of its connection.
pub(crate) fn say_goodbye(response: &mut Response) {
    response.headers_mut().insert(header::CONNECTION, CLOSE);
}

#[cfg(test)]
mod tests;
