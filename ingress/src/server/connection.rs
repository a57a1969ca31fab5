//! One connection: its requests go to the router, one after the other.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::GOODBYE;
use super::connections::Ticket;
use super::patience::{Activity, PatientStream, Timeouts};
use crate::problem::Failure;
use crate::protection::{self, Metrics, hold_until_sent};

/// Who is turned away has less time.
const REFUSING: Timeouts = Timeouts {
    head: Duration::from_secs(2),
    idle: Duration::from_secs(2),
    write: Duration::from_secs(2),
    pace: 64 * 1024,
};

/// How the server's end comes over its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Serving,
    /// No more requests; those under way end.
    Draining,
    /// It is over.
    Cut,
}

/// What serves connections.
pub(super) struct Server {
    http: http1::Builder,
    router: TowerToHyperService<Router>,
    timeouts: Timeouts,
    metrics: Metrics,
}

impl Server {
    /// Heads longer than `largest_head` are answered by the server itself, and without a document.
    pub(super) fn new(
        router: Router,
        timeouts: Timeouts,
        largest_head: usize,
        metrics: Metrics,
    ) -> Self {
        let mut http = http1::Builder::new();
        // The stream keeps the time; hyper's clock would also end connections that are idle.
        http.timer(TokioTimer::new()).header_read_timeout(None).max_header_size(largest_head);
        Self { http, router: TowerToHyperService::new(router), timeouts, metrics }
    }

    /// Serves a connection until its end, in the background.
    pub(super) fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        life: (Ticket, watch::Receiver<Stage>),
    ) {
        let activity = Activity::new();
        let stream =
            PatientStream::new(stream, self.timeouts, activity.clone(), self.metrics.clone());
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

    /// Answers the first request of a connection that there are too many, and closes it.
    pub(super) fn refuse(&self, stream: TcpStream, life: (Ticket, watch::Receiver<Stage>)) {
        let activity = Activity::new();
        let stream = PatientStream::new(stream, REFUSING, activity.clone(), self.metrics.clone());
        let during = activity.clone();
        let service = service_fn(move |_: Request<Incoming>| {
            let mut response = Failure::from(protection::Error::TooManyConnections).into_response();
            super::say_goodbye(&mut response);
            let busy = during.begin();
            async move { Ok::<_, Infallible>(hold_until_sent(response, busy)) }
        });
        self.run(stream, service, activity, life);
    }

    fn run<S, B>(
        &self,
        stream: PatientStream,
        service: S,
        activity: Activity,
        life: (Ticket, watch::Receiver<Stage>),
    ) where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
        S::Future: Send,
        B: HttpBody<Error = axum::Error> + Send + 'static,
        B::Data: Send,
    {
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let (ticket, mut stage) = life;
            let mut connection = pin!(connection);
            tokio::select! {
                biased;
                ended = &mut connection => return log(ended),
                _ = stage.wait_for(|stage| *stage >= Stage::Draining) => {}
            }
            connection.as_mut().graceful_shutdown();
            let ended = timeout(GOODBYE, &mut connection).await;
            // One that is open still has a request, or is half through the head of one: too late.
            if ended.is_err() && activity.is_busy() {
                tokio::select! {
                    biased;
                    _ = &mut connection => {}
                    _ = stage.wait_for(|stage| *stage >= Stage::Cut) => {}
                }
            }
            drop(ticket);
        });
    }
}

fn log(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
