//! A connection: the router answers the requests in order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::connections::ConnectionGuard;
use super::timeouts::{Activity, TimedStream, Timeouts};
use crate::Metrics;
use crate::edge::body_guard::hold_until_sent;

/// Length of two steps of a shutdown: accepting the last connections, and ending connections after
/// hyper's `graceful_shutdown`. An earlier close loses requests on the way.
pub(super) const GRACE: Duration = Duration::from_millis(250);

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Shorter times for a refused connection.
const REFUSING: Timeouts = Timeouts {
    head: Duration::from_secs(2),
    idle: Duration::from_secs(2),
    write: Duration::from_secs(2),
    pace: 64 * 1024,
};

/// Stage of the server, for the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Serving,
    /// No new requests; requests in flight end.
    Draining,
    /// Connections are cut.
    Cut,
}

/// The answer for a connection beyond the limits.
#[derive(Clone, Copy)]
pub(super) struct Refusal {
    pub(super) answer: fn() -> axum::response::Response,
}

/// Serves connections.
pub(super) struct ConnectionServer {
    http: http1::Builder,
    router: TowerToHyperService<Router>,
    timeouts: Timeouts,
    refusal: Refusal,
    metrics: Metrics,
}

impl ConnectionServer {
    /// Creates a server of connections. The HTTP parser answers a head longer than `largest_head`,
    /// without a problem document.
    pub(super) fn new(
        router: Router,
        timeouts: Timeouts,
        largest_head: usize,
        refusal: Refusal,
        metrics: Metrics,
    ) -> Self {
        let mut http = http1::Builder::new();
        // The stream has timeouts; hyper's timeout would also end idle connections.
        http.timer(TokioTimer::new()).header_read_timeout(None).max_header_size(largest_head);
        Self { http, router: TowerToHyperService::new(router), timeouts, refusal, metrics }
    }

    /// Serves a connection to the end, in the background.
    pub(super) fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        life: (ConnectionGuard, watch::Receiver<Stage>),
    ) {
        let activity = Activity::new();
        let stream =
            TimedStream::new(stream, self.timeouts, activity.clone(), self.metrics.clone());
        let router = self.router.clone();
        let during = activity.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            let busy = during.begin();
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = router.call(request.map(Body::new));
            async move { answer.await.map(|response| hold_until_sent(response, busy)) }
        });
        self.run(stream, service, activity, life);
    }

    /// Answers the first request of a connection beyond the limits, and closes the connection.
    pub(super) fn refuse(
        &self,
        stream: TcpStream,
        life: (ConnectionGuard, watch::Receiver<Stage>),
    ) {
        let activity = Activity::new();
        let stream = TimedStream::new(stream, REFUSING, activity.clone(), self.metrics.clone());
        let (during, answer) = (activity.clone(), self.refusal.answer);
        let service = service_fn(move |_: Request<Incoming>| {
            let mut response = answer();
            close_connection(&mut response);
            let busy = during.begin();
            async move { Ok::<_, Infallible>(hold_until_sent(response, busy)) }
        });
        self.run(stream, service, activity, life);
    }

    fn run<S, B>(
        &self,
        stream: TimedStream,
        service: S,
        activity: Activity,
        life: (ConnectionGuard, watch::Receiver<Stage>),
    ) where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
        S::Future: Send,
        B: HttpBody<Error = axum::Error> + Send + 'static,
        B::Data: Send,
    {
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let (guard, mut stage) = life;
            let mut connection = pin!(connection);
            tokio::select! {
                biased;
                ended = &mut connection => return log(ended),
                _ = stage.wait_for(|stage| *stage >= Stage::Draining) => {}
            }
            connection.as_mut().graceful_shutdown();
            let ended = timeout(GRACE, &mut connection).await;
            // A connection still open has a request in flight, or an incomplete head. An incomplete head
            // is dropped.
            if ended.is_err() && activity.is_busy() {
                tokio::select! {
                    biased;
                    _ = &mut connection => {}
                    _ = stage.wait_for(|stage| *stage >= Stage::Cut) => {}
                }
            }
            drop(guard);
        });
    }
}

fn log(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Closes the connection after this response.
pub fn close_connection<B>(response: &mut Response<B>) {
    response.headers_mut().insert(header::CONNECTION, CLOSE);
}
