//! Light requests at a steady rate, and the latencies of their replies.
//!
//! The load is an open loop: one thread sends at scheduled times, another receives the replies. A
//! latency counts from the scheduled time, even if a busy machine sends the request late.

use std::panic;
use std::thread;
use std::time::{Duration, Instant};

use abacus_schemas::{ComputeCompleted, Decoder, Outcome};
use anyhow::{Context, Result, ensure};
use rdkafka::Message;
use rdkafka::consumer::BaseConsumer;

use crate::codecs::Codecs;
use crate::floor::clients::{self, POLL_INTERVAL, Producer, Record};
use crate::floor::headers::{self, ReplyTo};
use crate::latency::{Latencies, Percentiles};
use crate::request::cube;
use crate::topic_set::TopicSet;

/// Longest silence of a processor with replies outstanding.
const PATIENCE: Duration = Duration::from_mins(2);

/// Latencies of an open loop need no correction, as no caller is omitted.
const NO_CORRECTION: Duration = Duration::MAX;

/// The clients of the caller.
pub(crate) struct Light<'a> {
    set: &'a TopicSet,
    codecs: &'a Codecs,
    producer: Producer,
    replies: BaseConsumer,
    interval: Duration,
    last_id: u64,
}

/// Waits for the replies to light requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    pub(crate) percentiles: Percentiles,
    pub(crate) longest: Duration,
}

/// Scheduled times of the requests.
#[derive(Clone, Copy)]
struct Schedule {
    start: Instant,
    interval: Duration,
    first_id: u64,
    requests: u32,
}

impl<'a> Light<'a> {
    /// A caller with `rate` requests per second.
    pub(crate) fn connect(set: &'a TopicSet, codecs: &'a Codecs, rate: u32) -> Result<Self> {
        Ok(Self {
            set,
            codecs,
            producer: Producer::connect(set.bootstrap())?,
            replies: clients::consumer(set.bootstrap(), &set.topics.replies, 1)?,
            interval: Duration::from_secs(1) / rate,
            last_id: 0,
        })
    }

    /// Sends `requests` requests and waits for all replies.
    pub(crate) fn measure(&mut self, requests: u32) -> Result<Waits> {
        let (interval, first_id) = (self.interval, self.last_id + 1);
        let schedule = Schedule { start: Instant::now(), interval, first_id, requests };
        self.last_id += u64::from(requests);
        let this = &*self;
        let latencies = thread::scope(|scope| {
            let receiving = scope.spawn(|| this.receive_all(schedule));
            let sent = this.send_all(schedule);
            let latencies = receiving.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
            sent.and(latencies)
        })?;
        self.producer.check()?;
        let longest = latencies.longest();
        let percentiles = latencies.percentiles(NO_CORRECTION).context("no latencies")?;
        Ok(Waits { percentiles, longest })
    }

    fn send_all(&self, schedule: Schedule) -> Result<()> {
        for number in 0..schedule.requests {
            schedule.await_time(number);
            self.send(schedule.first_id + u64::from(number))?;
        }
        Ok(())
    }

    fn send(&self, id: u64) -> Result<()> {
        let (request, _) = cube(id);
        let payload = self.codecs.request_encoder.encode(&request)?;
        let id_bytes = id.to_be_bytes();
        let reply_to =
            ReplyTo { correlation_id: &id_bytes, topic: &self.set.topics.replies, partition: 0 };
        self.producer.send(Record {
            topic: &self.set.topics.requested,
            partition: i32::try_from(id % u64::from(self.set.partitions))?,
            key: request.request_id.as_bytes(),
            payload: &payload,
            headers: reply_to.to_headers(),
        })
    }

    fn receive_all(&self, schedule: Schedule) -> Result<Latencies> {
        let mut latencies = Latencies::default();
        let mut last = Instant::now();
        let mut is_answered = vec![false; usize::try_from(schedule.requests)?];
        while latencies.len() < is_answered.len() {
            ensure!(
                last.elapsed() < PATIENCE,
                "{} light requests were not answered",
                is_answered.len() - latencies.len()
            );
            let Some(reply) = self.replies.poll(POLL_INTERVAL) else { continue };
            last = Instant::now();
            let reply = reply.context("cannot read the replies")?;
            let number = schedule.number(headers::correlation_id(&reply))?;
            check(&self.codecs.completion_decoder, reply.payload().unwrap_or_default())?;
            let answered = is_answered.get_mut(usize::try_from(number)?);
            // A reply may arrive twice if partitions move. The first one counts.
            if answered.is_some_and(|answered| !std::mem::replace(answered, true)) {
                latencies.record(last.saturating_duration_since(schedule.time(number)));
            }
        }
        Ok(latencies)
    }
}

impl Schedule {
    fn time(self, number: u32) -> Instant {
        self.start + self.interval * number
    }

    fn await_time(self, number: u32) {
        let time = self.time(number);
        while let Some(left) = time.checked_duration_since(Instant::now()) {
            thread::park_timeout(left);
        }
    }

    /// Returns the number in this round of the request with this id.
    fn number(self, id: Option<u64>) -> Result<u32> {
        let number = id.and_then(|id| id.checked_sub(self.first_id));
        Ok(u32::try_from(number.context("a reply with an unknown correlation id")?)?)
    }
}

fn check(decoder: &Decoder<ComputeCompleted>, payload: &[u8]) -> Result<()> {
    let completed = decoder.decode(payload)?;
    let is_right = matches!(completed.outcome, Outcome::Succeeded { .. });
    ensure!(is_right, "a light request failed: {:?}", completed.outcome);
    Ok(())
}
