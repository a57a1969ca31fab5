use std::sync::LazyLock;

use abacus_registry::RegistryConfig;
use abacus_schemas::{Decoder, Encoder, SchemaId};
use apache_avro::Schema;
use serde::{Deserialize, Serialize};

use super::*;
use crate::loopback::{Loopback, LoopbackOutcome};
use crate::metrics::Metrics;
use crate::outcome::ReplyKind;
use crate::reply_reader::{ReplySubject, SubjectOf};

const SCHEMA: SchemaId = SchemaId(1);
/// Longer than any wait for a reply that arrives; a lost reply fails the test.
const LONG: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(1);

/// A reply to requests that are names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Greeting {
    text: String,
}

impl Event for Greeting {
    const SCHEMA_JSON: &'static str =
        r#"{"type": "record", "name": "Greeting", "fields": [{"name": "text", "type": "string"}]}"#;

    fn schema() -> &'static Schema {
        static SCHEMA: LazyLock<Schema> =
            LazyLock::new(|| Schema::parse_str(Greeting::SCHEMA_JSON).unwrap());
        &SCHEMA
    }
}

type Greetings = Waiters<String, ()>;

/// Publishes no request.
struct Refusing {
    is_reachable: bool,
}

impl Transport<String> for Refusing {
    fn is_reachable(&self) -> bool {
        self.is_reachable
    }

    fn publish(
        &self,
        _: Uuid,
        _: &String,
        _: Option<TraceContext<'_>>,
        _: Option<i32>,
    ) -> Result<(), Error> {
        Err(Error::QueueFull)
    }
}

fn waiters() -> Arc<Greetings> {
    Arc::new(Waiters::new(9, String::len, Metrics::unregistered().waiters))
}

fn replies(subject: SubjectOf<Greeting>) -> Arc<ReplyReader<Greeting>> {
    let decoder = Decoder::new().unwrap();
    decoder.learn(SCHEMA, Greeting::SCHEMA_JSON).unwrap();
    Arc::new(ReplyReader { decoder, subject })
}

fn exchange<T>(waiters: &Arc<Greetings>, transport: T) -> Exchange<String, Greeting, (), T> {
    let registry = RegistryConfig::at("http://127.0.0.1:1");
    Exchange {
        waiters: Arc::clone(waiters),
        transport,
        replies: replies(|_| None),
        registry: SchemaRegistry::new(&registry).unwrap(),
        wait: LONG,
        acceptance: SHORT,
    }
}

fn loopback(
    outcome: LoopbackOutcome<Greeting>,
) -> Exchange<String, Greeting, (), impl Transport<String>> {
    let waiters = waiters();
    let respond = move |_: &String| outcome.clone();
    exchange(&waiters, Loopback::new(Arc::clone(&waiters), encoder(), respond))
}

fn encoder() -> Encoder<Greeting> {
    Encoder::new(SCHEMA).unwrap()
}

fn greeting() -> Greeting {
    Greeting { text: "hello".to_owned() }
}

async fn ask<T: Transport<String>>(
    exchange: &Exchange<String, Greeting, (), T>,
    id: Uuid,
    wait: Duration,
) -> Result<Answer<Greeting>, Error> {
    let request = "Ada".to_owned();
    let (operation, trace, partition) = (None, None, None);
    exchange.ask(Submission { id, request: &request, operation, trace, partition, wait }).await
}

#[tokio::test]
async fn a_request_is_answered_by_its_reply() {
    let exchange = loopback(LoopbackOutcome::Replied(greeting()));
    let id = Uuid::from_u128(1);
    assert_eq!(ask(&exchange, id, LONG).await.unwrap(), Answer::Replied(greeting()));
    assert!(
        matches!(exchange.recall(id).await, Some(Recalled::Replied(reply)) if reply == greeting())
    );
    assert_eq!(exchange.waiters.gauge(), 0);
}

/// The loopback hands over its reply like a reply in an unknown schema.
#[tokio::test]
async fn the_operation_of_a_reply_in_an_unknown_schema_is_compared_once_it_is_read() {
    let mut exchange = loopback(LoopbackOutcome::Replied(greeting()));
    exchange.replies = replies(|Greeting { text }| {
        let request_id = "00000000-0000-0000-0000-000000000001";
        Some(ReplySubject { request_id, operation: text })
    });
    for (operation, is_answered) in [("hello", true), ("pow", false)] {
        let (id, request, operation) = (Uuid::from_u128(1), "Ada".to_owned(), Some(operation));
        let (trace, partition, wait) = (None, None, LONG);
        let submission = Submission { id, request: &request, operation, trace, partition, wait };
        match exchange.ask(submission).await {
            Ok(answer) => assert_eq!((answer, is_answered), (Answer::Replied(greeting()), true)),
            Err(error) => assert!(matches!(error, Error::MismatchedReply) && !is_answered),
        }
    }
}

#[tokio::test]
async fn the_waiter_is_registered_before_the_request_is_published() {
    let waiters = waiters();
    let id = Uuid::from_u128(1);
    let registered = Arc::clone(&waiters);
    let respond = move |_: &String| {
        assert_eq!(registered.published(), [id]);
        LoopbackOutcome::Replied(greeting())
    };
    let transport = Loopback::new(Arc::clone(&waiters), encoder(), respond);
    assert!(ask(&exchange(&waiters, transport), id, LONG).await.is_ok());
}

#[tokio::test]
async fn a_caller_that_does_not_wait_gets_no_reply_however_fast() {
    let exchange = loopback(LoopbackOutcome::Replied(greeting()));
    let answer = ask(&exchange, Uuid::from_u128(1), Duration::ZERO).await;
    assert_eq!(answer.unwrap(), Answer::Accepted);
}

#[tokio::test]
async fn an_accepted_request_is_recalled_until_its_reply() {
    let exchange = loopback(LoopbackOutcome::Written);
    let id = Uuid::from_u128(1);
    assert!(exchange.recall(id).await.is_none());
    assert_eq!(ask(&exchange, id, SHORT).await.unwrap(), Answer::Accepted);
    assert_eq!(exchange.progress(id), Some(Progress::Written));
    assert!(
        matches!(exchange.recall(id).await, Some(Recalled::Accepted(request)) if *request == "Ada")
    );
    let reply = encoder().encode(&greeting()).unwrap();
    assert_eq!(exchange.waiters.answer(id.as_bytes(), &reply), ReplyKind::Late);
    assert!(
        matches!(exchange.recall(id).await, Some(Recalled::Replied(reply)) if reply == greeting())
    );
}

#[tokio::test]
async fn a_failed_delivery_gives_its_reason() {
    let exchange = loopback(LoopbackOutcome::Failed("no broker".to_owned()));
    let error = ask(&exchange, Uuid::from_u128(1), LONG).await.unwrap_err();
    assert!(matches!(&error, Error::NotWritten { reason } if reason == "no broker"), "{error}");
    assert!(!error.is_before_sending());
}

#[tokio::test]
async fn a_request_without_an_acknowledgement_is_not_promised() {
    let exchange = loopback(LoopbackOutcome::Unreported);
    let id = Uuid::from_u128(1);
    let error = ask(&exchange, id, SHORT).await.unwrap_err();
    assert!(matches!(error, Error::Unconfirmed) && !error.is_before_sending(), "{error}");
    assert!(exchange.recall(id).await.is_none());
    assert_eq!(exchange.waiters.gauge(), 0);
}

#[tokio::test]
async fn a_refused_request_leaves_no_waiter() {
    let exchange = exchange(&waiters(), Refusing { is_reachable: true });
    let error = ask(&exchange, Uuid::from_u128(1), LONG).await.unwrap_err();
    assert!(matches!(error, Error::QueueFull) && error.is_before_sending(), "{error}");
    assert_eq!(exchange.waiters.gauge(), 0);
}

#[tokio::test]
async fn no_request_is_published_while_the_event_log_is_unreachable() {
    let exchange = exchange(&waiters(), Refusing { is_reachable: false });
    let error = ask(&exchange, Uuid::from_u128(1), LONG).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable) && error.is_before_sending(), "{error}");
    assert_eq!(exchange.waiters.gauge(), 0);
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_no_waiter() {
    let exchange = loopback(LoopbackOutcome::Written);
    let call = ask(&exchange, Uuid::from_u128(1), LONG);
    assert!(tokio::time::timeout(SHORT, call).await.is_err());
    assert_eq!((exchange.waiters.gauge(), exchange.waiters.published()), (0, vec![]));
}

#[tokio::test]
async fn an_unreadable_reply_is_not_recalled() {
    let exchange = loopback(LoopbackOutcome::Written);
    let id = Uuid::from_u128(1);
    assert_eq!(ask(&exchange, id, SHORT).await.unwrap(), Answer::Accepted);
    assert_eq!(exchange.waiters.answer(id.as_bytes(), b"garbage"), ReplyKind::Late);
    assert!(exchange.recall(id).await.is_none());
    assert!(matches!(exchange.read(id, b"garbage").await, Err(Error::UnreadableReply(_))));
}
