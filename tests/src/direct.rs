//! Requests produced directly to Kafka, by a client independent of the services.

use std::collections::{BTreeMap, HashMap};

use abacus_testkit::{Isolation, PATIENCE, System, request, wait_until};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::history::History;
use crate::{oracle, python};

pub(crate) const OUR_HEADERS: [&str; 3] = ["correlation-id", "reply-topic", "reply-partition"];
const SPRINGS_HEADERS: [&str; 3] =
    ["kafka_correlationId", "kafka_replyTopic", "kafka_replyPartition"];

/// A job for `direct_client.py`.
#[derive(Serialize)]
pub(crate) struct Job<'a> {
    pub(crate) bootstrap: &'a str,
    pub(crate) registry: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) schema: Option<Value>,
    pub(crate) reply_topic: Option<&'a str>,
    pub(crate) headers: [&'a str; 3],
    pub(crate) reply_partition: Option<i32>,
    pub(crate) requests: Vec<Value>,
    pub(crate) replies: usize,
}

/// The report of `direct_client.py`.
#[derive(Deserialize)]
pub(crate) struct Report {
    pub(crate) replies: Vec<Reply>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Reply {
    pub(crate) partition: i32,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) event: Value,
}

impl<'a> Job<'a> {
    pub(crate) fn on(system: &'a System) -> Self {
        Self {
            bootstrap: &system.stack.kafka,
            registry: &system.stack.registry,
            topic: &system.topics.requested,
            schema: None,
            reply_topic: None,
            headers: OUR_HEADERS,
            reply_partition: None,
            requests: Vec::new(),
            replies: 0,
        }
    }

    #[track_caller]
    pub(crate) fn run(&self, system: &System) -> Report {
        python::run(&system.stack, "direct_client.py", self)
    }
}

/// A request in the form of the client, and the question.
pub(crate) fn ask(
    correlation_id: &str,
    operation: &str,
    operands: &[(&str, &str)],
) -> (Value, oracle::Question) {
    let event = request(operation, operands);
    let question = (event.operation.clone(), event.operands.clone());
    (json!({ "correlation_id": correlation_id, "event": event }), question)
}

fn questions(prefix: &str) -> BTreeMap<String, (Value, oracle::Question)> {
    [
        ("pow", vec![("base", "-3"), ("exponent", "41")]),
        ("fibonacci", vec![("n", "1000")]),
        ("factorial", vec![("n", "30")]),
    ]
    .iter()
    .map(|(operation, operands)| {
        let correlation_id = format!("{prefix} of {operation}");
        (correlation_id.clone(), ask(&correlation_id, operation, operands))
    })
    .collect()
}

#[test]
fn a_foreign_client_is_answered_on_its_own_topic_under_our_header_names_and_springs() {
    let system = System::new();
    let _services = system.start_all([system.processor(), system.projector()]);
    let reply_topic = format!("abacus.replies.{}", system.name());
    system.kafka.create_topic(&reply_topic, 3);
    for (headers, reply_partition) in [(OUR_HEADERS, Some(2)), (SPRINGS_HEADERS, None)] {
        let asked = questions(headers[0]);
        let answers =
            oracle::answers(&system.stack, asked.values().map(|(_, question)| question.clone()));
        let job = Job {
            headers,
            reply_partition,
            reply_topic: Some(&reply_topic),
            requests: asked.values().map(|(request, _)| request.clone()).collect(),
            replies: asked.len(),
            ..Job::on(&system)
        };
        let report = job.run(&system);
        assert_eq!(report.replies.len(), asked.len(), "{:?}", report.replies);
        for reply in &report.replies {
            let (request, question) = &asked[&reply.headers[headers[0]]];
            assert_eq!(reply.event["request_id"], request["event"]["request_id"]);
            assert_eq!(reply.event["outcome"]["result"], answers[question].as_str());
            assert!(reply_partition.is_none_or(|partition| partition == reply.partition));
        }
    }
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.completed.len(), 6);
    history.assert_logged(&system, PATIENCE);
}

#[test]
fn a_reply_topic_that_is_not_allowed_gets_nothing_and_the_request_is_computed_all_the_same() {
    let system = System::new();
    let mut processor = system.start(&system.processor());
    let forbidden = format!("{}.not-for-replies", system.name());
    system.kafka.create_topic(&forbidden, 1);
    let (request, _) = ask("forbidden", "fibonacci", &[("n", "10")]);
    let job = Job { reply_topic: Some(&forbidden), requests: vec![request], ..Job::on(&system) };
    job.run(&system);
    let history = History::complete(&system, PATIENCE);
    history.assert_right(&system);
    wait_until("the refusal to be counted", PATIENCE, || {
        let labels = [("result", "forbidden")];
        let refused = processor.count("abacus_processor_replies_total", &labels);
        if refused > 0 { Ok(()) } else { Err("nothing refused".to_owned()) }
    });
    processor.terminate();
    assert_eq!(system.kafka.scan(&forbidden, Isolation::Uncommitted), []);
}
