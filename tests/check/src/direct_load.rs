//! Callers that produce requests to Kafka and receive replies on a topic for the check.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use abacus_schemas::headers;
use abacus_testkit::{DirectProducer, NewRecord, PendingDelivery, Random, System, request};
use uuid::Uuid;

use crate::evidence::{Call, Channel, DirectCall};
use crate::gate::Gate;
use crate::plan::Plan;
use crate::question::Question;

/// Number of callers, each with a partition of the reply topic.
pub(crate) const CALLERS: i32 = 3;
/// Longest time without a delivery before a producer is replaced. Longer than any outage of a
/// broker.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// One request in this many has an expired deadline.
const LATE: u64 = 100;

/// Sends the requests passed by the gate. Waits at the end for every delivery.
pub(crate) struct DirectLoad {
    system: Arc<System>,
    reply_topic: String,
    plan: Plan,
    /// The last producer is in use. Earlier producers may still deliver.
    producers: Vec<DirectProducer>,
    renewed: Instant,
    sent: Vec<(Call, PendingDelivery)>,
    /// Number of leading deliveries with a known outcome.
    settled: usize,
}

impl DirectLoad {
    pub(crate) fn start(
        system: &Arc<System>,
        reply_topic: &str,
        plan: &Plan,
        gate: &Arc<Gate>,
    ) -> JoinHandle<Vec<Call>> {
        let mut load = Self {
            producers: vec![system.kafka.reliable_producer()],
            system: Arc::clone(system),
            reply_topic: reply_topic.to_owned(),
            plan: plan.clone(),
            renewed: Instant::now(),
            sent: Vec::new(),
            settled: 0,
        };
        let gate = Arc::clone(gate);
        thread::spawn(move || {
            load.run(&gate);
            load.sent.into_iter().map(|(call, delivery)| verified(call, delivery)).collect()
        })
    }

    fn run(&mut self, gate: &Gate) {
        for number in 0..self.plan.requests {
            if self.plan.is_over_http(number) || !gate.pass(number) {
                continue;
            }
            self.replace_silent_producer();
            let sent = self.send(number);
            self.sent.push(sent);
        }
    }

    /// Replaces a producer without deliveries for a long time, as it may have lost a lone broker
    /// for good (librdkafka issue 5301). Records of the old producer are delivered or given up.
    /// Later records go through the new producer.
    fn replace_silent_producer(&mut self) {
        while self.sent.get_mut(self.settled).is_some_and(|(_, delivery)| delivery.is_over()) {
            self.settled += 1;
            self.renewed = Instant::now();
        }
        if self.settled == self.sent.len() {
            self.renewed = Instant::now();
        }
        if self.renewed.elapsed() > SILENCE_LIMIT {
            self.producers.push(self.system.kafka.reliable_producer());
            self.renewed = Instant::now();
        }
    }

    fn send(&self, number: u64) -> (Call, PendingDelivery) {
        let question = Question::of(self.plan.seed, number);
        let mut event = request(&question.operation, &[]);
        event.operands.clone_from(&question.operands);
        let direct = self.caller(number, &event.request_id);
        let producer = self.producers.last().expect("one from the start");
        let delivery = producer.send(&NewRecord {
            topic: self.system.topics.requested.clone(),
            key: direct.id.clone().into_bytes(),
            payload: self.system.events.encode(&event),
            headers: self.headers(&direct),
            ..NewRecord::default()
        });
        (Call { question, channel: Channel::Direct(direct) }, delivery)
    }

    fn caller(&self, number: u64, id: &str) -> DirectCall {
        let mut random = Random::about(!self.plan.seed, number);
        DirectCall {
            id: id.to_owned(),
            correlation: format!("{number}-{}", Uuid::new_v4().simple()),
            caller: i32::try_from(random.below(CALLERS.unsigned_abs().into())).unwrap(),
            is_late: random.below(LATE) == 0,
            unwritten: None,
        }
    }

    fn headers(&self, direct: &DirectCall) -> Vec<(String, Vec<u8>)> {
        let mut all = vec![
            (headers::CORRELATION_ID, direct.correlation.clone().into_bytes()),
            (headers::REPLY_TOPIC, self.reply_topic.clone().into_bytes()),
            (headers::REPLY_PARTITION, direct.caller.to_be_bytes().to_vec()),
        ];
        if direct.is_late {
            all.push((headers::DEADLINE_MS, b"1700000000000".to_vec()));
        }
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn verified(mut call: Call, delivery: PendingDelivery) -> Call {
    if let (Channel::Direct(direct), Err(error)) = (&mut call.channel, delivery.outcome()) {
        direct.unwritten = Some(error.to_string());
    }
    call
}
