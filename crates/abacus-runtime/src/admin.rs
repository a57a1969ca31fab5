//! The admin server: `/livez`, `/readyz` and `/metrics`.
//!
//! Liveness means only: the process answers. Liveness depends on no external system, so an outage
//! does not restart every service. Readiness combines the [gates](crate::ReadinessGate). The server
//! is the first task of a process and stops last: it answers 503 during a drain.
//!
//! The server uses hyper without a web framework, because crates below the services need none.

use std::convert::Infallible;
use std::mem;
use std::net::TcpListener as StdListener;
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::{Encoder as _, TextEncoder};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tracing::{debug, error, warn};

use crate::config::AdminConfig;
use crate::logging::announce;
use crate::runtime::Runtime;

/// Time limit for dropping the listener.
const STOP_BUDGET: Duration = Duration::from_secs(1);
/// Time limit of a request's head. hyper also applies the limit to idle connections, so a scraper
/// with a longer interval connects for each request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Prometheus scrapes once a minute by default.
const _: () = assert!(HEAD_TIMEOUT.as_secs() > 60);
/// Pause after a failed `accept`, for example for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

type Answer = Response<Full<Bytes>>;

/// Binds the listener, and starts the server on a thread of its own: a probe is answered also while the
/// threads of the service are busy.
pub(crate) fn open(config: &AdminConfig, runtime: &Runtime) -> anyhow::Result<()> {
    let bound = StdListener::bind(config.listen).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok((listener.local_addr()?, listener))
    });
    let (address, listener) = bound
        .with_context(|| format!("could not listen on {} (ABACUS_ADMIN_LISTEN)", config.listen))?;
    announce("admin", address);
    let process = runtime.clone();
    runtime.spawn_thread("admin", STOP_BUDGET, move |shutdown| {
        let tokio = Builder::new_current_thread().enable_all().build()?;
        tokio.block_on(async {
            let server = serve(TcpListener::from_std(listener)?, process);
            tokio::select! {
                biased;
                () = shutdown.requested() => Ok(()),
                () = server => Ok(()),
            }
        })
    })
}

/// Accepts connections without end.
async fn serve(listener: TcpListener, runtime: Runtime) {
    let mut outage = Outage::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                outage.end();
                tokio::spawn(serve_connection(stream, runtime.clone()));
            }
            Err(error) => {
                if outage.begin() {
                    warn!(%error, "the admin port accepts no connections at the moment");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A row of failed `accept` calls.
#[derive(Default)]
struct Outage {
    has_begun: bool,
}

impl Outage {
    /// Notes a failure. Returns true for the first failure of the outage.
    fn begin(&mut self) -> bool {
        !mem::replace(&mut self.has_begun, true)
    }

    /// Notes a success.
    fn end(&mut self) {
        self.has_begun = false;
    }
}

async fn serve_connection(stream: TcpStream, runtime: Runtime) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(&request, &runtime);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        debug!(%error, "a connection to the admin port ended early");
    }
}

fn answer(request: &Request<Incoming>, runtime: &Runtime) -> Answer {
    let page = match request.uri().path() {
        "/livez" => livez,
        "/readyz" => readyz,
        "/metrics" => metrics,
        _ => return empty(StatusCode::NOT_FOUND),
    };
    match *request.method() {
        Method::GET | Method::HEAD => page(runtime),
        _ => method_not_allowed(),
    }
}

fn livez(_: &Runtime) -> Answer {
    with_body(StatusCode::OK, TEXT, "alive\n")
}

fn readyz(runtime: &Runtime) -> Answer {
    let report = runtime.readiness_report();
    let status = if report.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::to_vec(&report).unwrap_or_default();
    let mut answer = with_body(status, JSON, body);
    answer.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    answer
}

fn metrics(runtime: &Runtime) -> Answer {
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    if let Err(error) = encoder.encode(&runtime.metrics().gather(), &mut text) {
        error!(%error, "could not encode the metrics");
        return empty(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let format = HeaderValue::from_str(encoder.format_type()).unwrap_or(TEXT);
    with_body(StatusCode::OK, format, text)
}

fn with_body(status: StatusCode, content_type: HeaderValue, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}

fn method_not_allowed() -> Answer {
    let mut answer = empty(StatusCode::METHOD_NOT_ALLOWED);
    answer.headers_mut().insert(ALLOW, METHODS);
    answer
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

#[cfg(test)]
mod tests;
