//! The admin server: `/livez`, `/readyz` and `/metrics`.
//!
//! Liveness only says that the process answers; it never depends on an outside system, or an outage
//! of one would restart every service. Readiness is what the [gates](crate::ReadinessGate) say. The
//! server is the first task of a process and so the last to stop: it answers 503 all through a
//! drain.

use std::time::Duration;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus::{Encoder as _, TextEncoder};
use tokio::net::TcpListener;
use tracing::error;

use crate::config::AdminConfig;
use crate::logging::announce;
use crate::runtime::Runtime;

/// It only has to drop its listener.
const STOP_BUDGET: Duration = Duration::from_secs(1);

/// Listens and starts to serve.
pub(crate) async fn open(config: &AdminConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("could not listen on {} (ABACUS_ADMIN_LISTEN)", config.listen))?;
    announce("admin", listener.local_addr()?);
    let server = axum::serve(listener, router(runtime.clone()));
    runtime.spawn("admin", STOP_BUDGET, |shutdown| async move {
        tokio::select! {
            biased;
            () = shutdown.requested() => Ok(()),
            result = server.into_future() => Ok(result?),
        }
    });
    Ok(())
}

fn router(runtime: Runtime) -> Router {
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(runtime)
}

async fn readyz(State(runtime): State<Runtime>) -> Response {
    let report = runtime.readiness_report();
    let status = if report.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(report)).into_response()
}

async fn metrics(State(runtime): State<Runtime>) -> Response {
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    match encoder.encode(&runtime.metrics().gather(), &mut text) {
        Ok(()) => {
            ([(header::CONTENT_TYPE, encoder.format_type().to_owned())], text).into_response()
        }
        Err(error) => {
            error!(%error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests;
