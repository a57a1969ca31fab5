//! The router with a broker that accepts connections and never answers. The test acts as the
//! processor.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use abacus_exchange::{Exchange, Publisher, ReplyAddress, ReplyKind, ReplyReader, Waiters};
use abacus_http::edge::EdgeConfig;
use abacus_identity::{Identity, IdentityConfig};
use abacus_kafka::{Duplicates, KafkaConfig, Producer, ProducerSettings, StickyPartitioner};
use abacus_operations::Limits;
use abacus_registry::{RegistryConfig, SchemaRegistry};
use abacus_runtime::prometheus::Registry;
use abacus_runtime::{Config as _, Environment, SecretString, Shutdown};
use abacus_schemas::{
    CacheLevel, ComputeCompleted, ComputeRequested, Decoder, Encoder, Event, Outcome, SchemaId,
    Timestamp,
};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::api::edge::Edge;
use crate::api::router::router;
use crate::api::state::{AppState, Shared};
use crate::api::write_catalog;
use crate::log::{LoggedRequest, RequestLog};
use crate::metrics::{IdentityMetrics, LimitMetrics, Metrics};
use crate::quotas::Quotas;
use crate::requests::{Deliveries, EventLog, Idempotency, IdempotencyConfig, Requests};

const SCHEMA: SchemaId = SchemaId(1);
const MAX_BODY: u64 = 4096;

pub(super) struct Harness {
    router: Router,
    pub(super) waiters: Arc<Waiters<ComputeRequested, LoggedRequest>>,
    pub(super) metrics: Metrics,
    _broker: TcpListener,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Harness {
    pub(super) fn new() -> Self {
        Self::waiting(Duration::from_mins(1), 10)
    }

    pub(super) fn waiting(wait: Duration, max_waiters: usize) -> Self {
        Self::stopping(wait, max_waiters, Shutdown::never())
    }

    pub(super) fn stopping(wait: Duration, max_waiters: usize, stopping: Shutdown) -> Self {
        Self::build(wait, max_waiters, stopping, &read())
    }

    /// Creates a harness with a registry for further schemas.
    pub(super) fn with_registry(url: &str) -> Self {
        let environment = [("ABACUS_REGISTRY_URL", url)];
        let registry = RegistryConfig::read(&mut Environment::from_pairs(environment));
        Self::build(Duration::from_mins(1), 100, Shutdown::never(), &registry)
    }

    fn build(
        wait: Duration,
        max_waiters: usize,
        stopping: Shutdown,
        registry: &RegistryConfig,
    ) -> Self {
        let broker = TcpListener::bind("127.0.0.1:0").unwrap();
        let metrics = Metrics::register(&Registry::new()).unwrap();
        let waiters = Waiters::new(max_waiters, |_| 0, metrics.waiters.clone());
        let waiters = Arc::new(waiters);
        let decoder = Decoder::new().unwrap();
        decoder.learn(SCHEMA, ComputeCompleted::SCHEMA_JSON).unwrap();
        let limits = Limits { max_digits: 1_000, max_operand_digits: 1_000 };
        let exchange = Exchange {
            waiters: Arc::clone(&waiters),
            transport: publisher(&broker, &metrics),
            replies: Arc::new(ReplyReader { decoder, subject: |_| None }),
            registry: SchemaRegistry::new(registry).unwrap(),
            wait,
            acceptance: wait,
        };
        let log = Arc::new(RequestLog::new(&unreachable_log()).unwrap());
        let (deliveries, _) = Deliveries::new();
        let delivery = Duration::from_secs(5);
        let keys = read::<IdempotencyConfig>().keys(log.connections(), "requested", delivery);
        let (deliveries, event_log) = (Arc::new(deliveries), EventLog::new().0);
        let idempotency = Idempotency { keys, deliveries, event_log };
        let quotas = Arc::new(Quotas::local());
        let limit_metrics = LimitMetrics::register(&Registry::new()).unwrap();
        let state = AppState {
            identity: identity(&log),
            quotas: Arc::clone(&quotas),
            requests: Requests {
                exchange: Arc::new(exchange),
                quotas,
                idempotency,
                log: Arc::clone(&log),
                lag: Arc::default(),
                limits,
                metrics: metrics.clone(),
            },
            log,
            edge: Edge::new(&read::<EdgeConfig>(), limit_metrics.http()),
            max_body: MAX_BODY,
            catalog: write_catalog(&limits, MAX_BODY).unwrap(),
            metrics: metrics.clone(),
            stopping,
        };
        Self { router: router(Shared::new(state)), waiters, metrics, _broker: broker }
    }

    /// Sends a request, with a `Host`.
    pub(super) async fn send(&self, mut request: Request<Body>) -> Answer {
        request.headers_mut().entry("host").or_insert(HeaderValue::from_static("localhost"));
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, content_type: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post("/v1/computations").header("content-type", content_type);
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Returns the problem of an answer, after the checks for every problem.
    pub(super) fn problem(answer: &Answer) -> (u16, String, Value) {
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let problem = answer.json();
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["status"], answer.status.as_u16());
        assert_eq!(problem["type"], format!("/problems/{code}"));
        for member in ["title", "detail"] {
            assert!(!problem[member].as_str().unwrap().is_empty(), "{problem}");
        }
        (answer.status.as_u16(), code, problem)
    }

    pub(super) async fn refused(&self, path: &str) -> (u16, String, Value) {
        let refused = Self::problem(&self.get(path).await);
        assert_eq!(self.metrics.waiters.get(), 0);
        refused
    }

    /// Sends a request, and replies like a processor.
    pub(super) async fn answered(&self, request: Request<Body>, outcome: Outcome) -> Answer {
        let (answer, ()) = tokio::join!(self.send(request), async {
            let id = self.sent().await;
            assert_eq!(self.reply(id, outcome), ReplyKind::Answered);
        });
        answer
    }

    /// Sends a request. The request is written and gets no reply.
    pub(super) async fn accepted(&self, request: Request<Body>) -> Answer {
        let (answer, ()) = tokio::join!(self.send(request), async {
            let id = self.sent().await;
            self.waiters.mark_written(id);
        });
        answer
    }

    /// Waits until a request is published.
    pub(super) async fn sent(&self) -> Uuid {
        loop {
            tokio::task::yield_now().await;
            if let Some(id) = self.waiters.published().first() {
                return *id;
            }
        }
    }

    /// Waits until a caller is attached to a request.
    pub(super) async fn attached(&self) {
        while self.waiters.awaited().all.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    pub(super) fn reply(&self, id: Uuid, outcome: Outcome) -> ReplyKind {
        self.reply_in(SCHEMA, id, outcome)
    }

    pub(super) fn reply_in(&self, schema: SchemaId, id: Uuid, outcome: Outcome) -> ReplyKind {
        let reply = Encoder::new(schema).unwrap().encode(&completed(id, outcome)).unwrap();
        self.waiters.answer(id.as_bytes(), &reply)
    }
}

fn read<C: abacus_runtime::Config>() -> C {
    C::read(&mut Environment::from_pairs::<&str, &str>([]))
}

fn unreachable_log() -> SecretString {
    SecretString::from("postgres://nobody@127.0.0.1:1/nothing")
}

/// Creates the identity service for anonymous callers, without a database.
fn identity(log: &RequestLog) -> Identity {
    let mut env = Environment::from_pairs([("ABACUS_ANONYMOUS", "true")]);
    let config = IdentityConfig::read(&mut env);
    let metrics = IdentityMetrics::register(&Registry::new()).unwrap().identity();
    Identity::without_tasks(&config, log.connections(), metrics).unwrap()
}

fn publisher(broker: &TcpListener, metrics: &Metrics) -> Publisher<ComputeRequested> {
    let settings = ProducerSettings {
        name: "test".to_owned(),
        duplicates: Duplicates::Never,
        delivery_timeout: Duration::from_mins(1),
        queue_bytes: 1 << 20,
    };
    let kafka = KafkaConfig::new(broker.local_addr().unwrap().to_string());
    Publisher {
        producer: Arc::new(Producer::connect(&kafka, &settings, |_, _| {}).unwrap()),
        encoder: Encoder::new(SCHEMA).unwrap(),
        partitioner: StickyPartitioner::new(4, Duration::from_millis(5)),
        topic: "requested".to_owned(),
        reply_to: ReplyAddress { topic: "replies".to_owned(), partition: 0 },
        signer: None,
        metrics: metrics.exchange(),
    }
}

fn completed(id: Uuid, outcome: Outcome) -> ComputeCompleted {
    ComputeCompleted {
        request_id: id.to_string(),
        operation: "pow".to_owned(),
        operands: [("base", "2"), ("exponent", "10")]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into(),
        requester: None,
        source: "http".to_owned(),
        requested_at: Timestamp::now(),
        outcome,
        completed_at: Timestamp::now(),
        compute_micros: 5,
        cache: CacheLevel::Memory,
        processor: "test".to_owned(),
    }
}

pub(super) fn succeeded() -> Outcome {
    Outcome::Succeeded { result: "1024".to_owned(), digits: 4, bits: 11 }
}
