//! The HTTP server: listens, serves, and drains.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use abacus_runtime::{ByteSize, Config, Environment, Runtime, Shutdown, announce};
use anyhow::Context as _;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::listener::ClosingListener;
use crate::waiters::Waiters;

/// After the listener is closed, busy connections are told to end, and have this long to do so
/// before idle ones are closed: a request that crosses the closing of its connection is lost.
const GOODBYE: Duration = Duration::from_millis(250);
/// How long requests may go on waiting for their replies after the shutdown was requested.
const DRAIN: Duration = Duration::from_secs(10);
/// Then their waits are ended, and the last answers have this long to be written.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
const STOP_BUDGET: Duration = Duration::from_secs(12);
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What is served where.
#[derive(Clone, Debug)]
pub(crate) struct ServerConfig {
    pub(crate) listen: SocketAddr,
    pub(crate) max_body: ByteSize,
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
        }
    }
}

/// Listens, and serves until the shutdown.
pub(crate) async fn open(
    config: &ServerConfig,
    router: Router,
    waiters: Arc<Waiters>,
    runtime: &Runtime,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("could not listen on {} (ABACUS_HTTP_LISTEN)", config.listen))?;
    announce("http", listener.local_addr()?);
    runtime.spawn("http", STOP_BUDGET, |shutdown| serve(listener, router, waiters, shutdown));
    Ok(())
}

/// Makes an answer the last one of its connection.
pub(crate) fn say_goodbye(response: &mut Response) {
    response.headers_mut().insert(header::CONNECTION, CLOSE);
}

/// At the shutdown no new connection is accepted, and every request under way is answered: with
/// its reply while the drain lasts, and as pending at its end.
async fn serve(
    listener: TcpListener,
    router: Router,
    waiters: Arc<Waiters>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let listener = ClosingListener::new(listener, shutdown.clone())?;
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps Nagle's algorithm");
        }
    });
    let stopping = shutdown.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        stopping.requested().await;
        sleep(GOODBYE).await;
    });
    let mut server = std::pin::pin!(server.into_future());
    tokio::select! {
        biased;
        () = shutdown.requested() => {}
        result = &mut server => return Ok(result?),
    }
    if let Ok(result) = timeout(DRAIN, &mut server).await {
        return Ok(result?);
    }
    waiters.end_all();
    if timeout(LAST_ANSWERS, server).await.is_err() {
        tracing::warn!("connections were cut: their requests did not end");
    }
    Ok(())
}
