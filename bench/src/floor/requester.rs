//! The floor's caller: keeps N requests in flight and measures the latency of each.
//!
//! Two threads share the work, as in any service with callers: a sender of requests, and a receiver
//! of replies that finds the waiting request. Each reply returns a permit for the next request.

use std::collections::HashMap;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use parking_lot::Mutex;
use rdkafka::consumer::BaseConsumer;

use super::clients::{self, POLL_INTERVAL, Producer, Record};
use super::headers::{self, ReplyTo};
use super::topics::{REQUEST_PARTITIONS, TopicNames};
use crate::latency::Latencies;
use crate::measurement::Outcome;

/// Time between changes of the partition. Concurrent requests then share batches.
const STICKY_INTERVAL: Duration = Duration::from_millis(5);

/// Longest wait for a silent echo.
const PATIENCE: Duration = Duration::from_secs(15);

/// Payload as long as a small event of the system.
const PAYLOAD: [u8; 100] = [b'7'; 100];

/// The clients of the requester.
pub(super) struct Requester {
    producer: Producer,
    replies: BaseConsumer,
    topics: TopicNames,
    started: Instant,
    last_id: u64,
}

/// A measurement, shared by two threads.
struct Round<'a> {
    requester: &'a Requester,
    start: Instant,
    time: Duration,
    waiters: Mutex<HashMap<u64, Instant>>,
    is_over: AtomicBool,
}

impl Requester {
    pub(super) fn connect(bootstrap: &str, topics: &TopicNames) -> Result<Self> {
        Ok(Self {
            producer: Producer::connect(bootstrap)?,
            replies: clients::consumer(bootstrap, &topics.replies, 1)?,
            topics: topics.clone(),
            started: Instant::now(),
            last_id: 0,
        })
    }

    /// Keeps `in_flight` requests in flight for `time`. Then waits for the last replies, without
    /// counting them. A request without a reply is an error.
    pub(super) fn measure(&mut self, in_flight: u32, time: Duration) -> Result<Outcome> {
        let round = Round::new(self, time);
        let (last_id, latencies) = round.run(in_flight)?;
        self.last_id = last_id;
        self.producer.check()?;
        outcome(latencies, in_flight, time)
    }

    fn send(&self, id: u64, now: Instant) -> Result<()> {
        let id = id.to_be_bytes();
        let address = ReplyTo { correlation_id: &id, topic: &self.topics.replies, partition: 0 };
        self.producer.send(Record {
            topic: &self.topics.requests,
            partition: partition(now.duration_since(self.started)),
            key: &id,
            payload: &PAYLOAD,
            headers: address.to_headers(),
        })
    }
}

impl<'a> Round<'a> {
    fn new(requester: &'a Requester, time: Duration) -> Self {
        Self {
            requester,
            start: Instant::now(),
            time,
            waiters: Mutex::default(),
            is_over: AtomicBool::new(false),
        }
    }

    /// Returns the last used id and the latencies.
    fn run(&self, in_flight: u32) -> Result<(u64, Latencies)> {
        let (permit, permits) = mpsc::channel();
        for _ in 0..in_flight {
            permit.send(())?;
        }
        thread::scope(|scope| {
            let receiving = scope.spawn(|| self.receive_all(permit));
            let sent = self.send_all(&permits);
            self.is_over.store(true, Ordering::Release);
            let latencies = receiving.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
            Ok((sent?, latencies?))
        })
    }

    /// Sends a request for every free permit. Ends when the receiving thread has ended.
    fn send_all(&self, permits: &Receiver<()>) -> Result<u64> {
        let mut id = self.requester.last_id;
        while self.start.elapsed() < self.time && permits.recv().is_ok() {
            id += 1;
            let now = Instant::now();
            self.waiters.lock().insert(id, now);
            self.requester.send(id, now)?;
        }
        Ok(id)
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "dropping the sender ends the sending thread"
    )]
    fn receive_all(&self, permit: Sender<()>) -> Result<Latencies> {
        let mut latencies = Latencies::default();
        while let Some(latency) = self.receive()? {
            if self.start.elapsed() < self.time {
                latencies.record(latency);
            }
            // The sending thread may have ended.
            let _ = permit.send(());
        }
        Ok(latencies)
    }

    /// Waits for the next reply and returns its latency. Returns `None` when the round has ended.
    fn receive(&self) -> Result<Option<Duration>> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.has_ended() {
                return Ok(None);
            }
            let Some(reply) = self.requester.replies.poll(POLL_INTERVAL) else { continue };
            let id = headers::correlation_id(&reply.context("cannot read the replies")?);
            let sent = id.and_then(|id| self.waiters.lock().remove(&id));
            let sent = sent.context("a reply with an unknown correlation id")?;
            return Ok(Some(sent.elapsed()));
        }
        self.requester.producer.check()?;
        bail!("no reply within {PATIENCE:?}: {} requests in flight", self.waiters.lock().len())
    }

    fn has_ended(&self) -> bool {
        self.is_over.load(Ordering::Acquire) && self.waiters.lock().is_empty()
    }
}

/// Returns the partition of a request sent `elapsed` after the start.
fn partition(elapsed: Duration) -> i32 {
    let turn = elapsed.as_nanos() / STICKY_INTERVAL.as_nanos();
    i32::try_from(turn % u128::from(REQUEST_PARTITIONS.unsigned_abs())).unwrap_or(0)
}

fn outcome(latencies: Latencies, in_flight: u32, time: Duration) -> Result<Outcome> {
    let replies = u32::try_from(latencies.len())?;
    ensure!(replies > 0, "no reply within {time:?}");
    let interval = time * in_flight / replies;
    let seen = latencies.percentiles(interval).context("no latencies")?;
    Ok(Outcome::new(replies.into(), 0, time, seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_stay_on_a_partition_and_then_move_on() {
        let visited: Vec<_> =
            [0, 4, 5, 10, 15, 20].map(|ms| partition(Duration::from_millis(ms))).into();
        assert_eq!(visited, [0, 0, 1, 2, 3, 0]);
    }
}
