//! The floor's caller: keeps N requests in flight and takes the time of each.
//!
//! Two threads, as in any service that others call: one asks, one hears the replies and finds who waits for
//! them. Each reply leaves its seat to the next request.

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
use super::topics::{Names, REQUEST_PARTITIONS};
use crate::latency::Latencies;
use crate::measurement::Outcome;

/// How long requests go to one partition, so that those which come together travel together.
const STAY: Duration = Duration::from_millis(5);

/// How long a silent echo is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// As long as a small event of the system.
const PAYLOAD: [u8; 100] = [b'7'; 100];

/// The requester's clients, connected as long as it lives.
pub(super) struct Requester {
    producer: Producer,
    replies: BaseConsumer,
    topics: Names,
    started: Instant,
    last_id: u64,
}

/// One measurement, as its two threads share it.
struct Round<'a> {
    requester: &'a Requester,
    start: Instant,
    time: Duration,
    waiters: Mutex<HashMap<u64, Instant>>,
    is_over: AtomicBool,
}

impl Requester {
    pub(super) fn connect(bootstrap: &str, topics: &Names) -> Result<Self> {
        Ok(Self {
            producer: Producer::connect(bootstrap)?,
            replies: clients::consumer(bootstrap, &topics.replies, 1)?,
            topics: topics.clone(),
            started: Instant::now(),
            last_id: 0,
        })
    }

    /// Keeps `in_flight` requests going for as long as `time`, then waits for the last replies, which do
    /// not count. A request without a reply is an error.
    pub(super) fn measure(&mut self, in_flight: u32, time: Duration) -> Result<Outcome> {
        let round = Round::new(self, time);
        let (last_id, heard) = round.run(in_flight)?;
        self.last_id = last_id;
        self.producer.check()?;
        outcome(heard, in_flight, time)
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

    /// The last id given away, and what was heard.
    fn run(&self, in_flight: u32) -> Result<(u64, Latencies)> {
        let (seat, seats) = mpsc::channel();
        for _ in 0..in_flight {
            seat.send(())?;
        }
        thread::scope(|scope| {
            let hearing = scope.spawn(|| self.hear_all(seat));
            let asked = self.ask_all(&seats);
            self.is_over.store(true, Ordering::Release);
            let heard = hearing.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
            Ok((asked?, heard?))
        })
    }

    /// Asks whenever a seat is free. There are no more of them when nobody hears any longer.
    fn ask_all(&self, seats: &Receiver<()>) -> Result<u64> {
        let mut id = self.requester.last_id;
        while self.start.elapsed() < self.time && seats.recv().is_ok() {
            id += 1;
            let now = Instant::now();
            self.waiters.lock().insert(id, now);
            self.requester.send(id, now)?;
        }
        Ok(id)
    }

    #[expect(clippy::needless_pass_by_value, reason = "its end tells the asking thread to end")]
    fn hear_all(&self, seat: Sender<()>) -> Result<Latencies> {
        let mut heard = Latencies::default();
        while let Some(latency) = self.hear()? {
            if self.start.elapsed() < self.time {
                heard.record(latency);
            }
            // At the end nobody takes it any more.
            let _ = seat.send(());
        }
        Ok(heard)
    }

    /// Waits for the next reply and tells how long it took; nothing when the round has ended.
    fn hear(&self) -> Result<Option<Duration>> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.has_ended() {
                return Ok(None);
            }
            let Some(reply) = self.requester.replies.poll(POLL_INTERVAL) else { continue };
            let id = headers::correlation_id(&reply.context("cannot read the replies")?);
            let asked = id.and_then(|id| self.waiters.lock().remove(&id));
            let asked = asked.context("a reply that nobody waits for")?;
            return Ok(Some(asked.elapsed()));
        }
        self.requester.producer.check()?;
        bail!("no reply for {PATIENCE:?}: {} requests wait", self.waiters.lock().len())
    }

    fn has_ended(&self) -> bool {
        self.is_over.load(Ordering::Acquire) && self.waiters.lock().is_empty()
    }
}

/// Where a request goes that is sent `elapsed` after the start.
fn partition(elapsed: Duration) -> i32 {
    let turn = elapsed.as_nanos() / STAY.as_nanos();
    i32::try_from(turn % u128::from(REQUEST_PARTITIONS.unsigned_abs())).unwrap_or(0)
}

fn outcome(heard: Latencies, in_flight: u32, time: Duration) -> Result<Outcome> {
    let replies = u32::try_from(heard.len())?;
    ensure!(replies > 0, "no reply within {time:?}");
    let interval = time * in_flight / replies;
    let seen = heard.percentiles(interval).context("no latencies")?;
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
