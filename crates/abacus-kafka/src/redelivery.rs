//! A producer that sends unwritten records again until a deadline.
//!
//! **Invariant:** each accepted record is written or reported as lost. The memory for records waiting
//! to be sent again is bounded. A record may be written twice.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::message::{BorrowedMessage, DeliveryResult, OwnedMessage};

use crate::config::KafkaConfig;
use crate::error::{Error, SendError, is_refusal};
use crate::producer::{Delivery, Outgoing, Producer, ProducerSettings};

/// Pause before a record is sent again.
const PAUSE: Duration = Duration::from_millis(250);
/// Pause between two looks of a flush at the retry queue.
const FLUSH_INTERVAL: Duration = Duration::from_millis(20);

/// Treatment of an unwritten record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redelivery {
    /// The record is sent again, after a failure with this code.
    Again(Code),
    /// The record was given up. The code is the last failure's.
    Lost(Code),
}

/// A producer that sends each unwritten record again until the record's deadline.
pub struct PersistentProducer {
    producer: Arc<Producer>,
    retries: Arc<RetryQueue>,
    sender: Option<JoinHandle<()>>,
    began: Instant,
}

type OnFailure = Box<dyn Fn(Redelivery) + Send + Sync>;

/// Unwritten records waiting to be sent again.
struct RetryQueue {
    state: Mutex<RetryState>,
    changed: Condvar,
    limit_bytes: usize,
    on_failure: OnFailure,
    began: Instant,
}

#[derive(Default)]
struct RetryState {
    records: VecDeque<UnwrittenRecord>,
    bytes: usize,
    is_closed: bool,
}

struct UnwrittenRecord {
    message: OwnedMessage,
    /// The record's deadline, in milliseconds since the producer began.
    deadline_ms: u128,
    code: Code,
}

impl PersistentProducer {
    /// Creates the producer. At most `limit_bytes` of records wait to be sent again. `on_failure` is
    /// called for each failed delivery, on the polling thread, and must be quick.
    pub fn connect(
        config: &KafkaConfig,
        settings: &ProducerSettings,
        limit_bytes: usize,
        on_failure: impl Fn(Redelivery) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let began = Instant::now();
        let retries = Arc::new(RetryQueue {
            state: Mutex::default(),
            changed: Condvar::new(),
            limit_bytes,
            on_failure: Box::new(on_failure),
            began,
        });
        let reported = Arc::clone(&retries);
        let producer =
            Producer::connect_with_reports(config, settings, move |deadline_ms, result| {
                reported.on_delivery(deadline_ms, result);
            })?;
        let producer = Arc::new(producer);
        let sender = spawn_sender(&settings.name, &producer, &retries)?;
        Ok(Self { producer, retries, sender: Some(sender), began })
    }

    /// Queues a record. Sending is tried until the record is written or `time` is over. After an
    /// error the record is neither written nor reported.
    pub fn send(&self, outgoing: &Outgoing<'_>, time: Duration) -> Result<(), SendError> {
        self.producer.send(outgoing, (self.began.elapsed() + time).as_millis())
    }

    /// Returns the number of partitions of `topic`. Blocks.
    pub fn partition_count(&self, topic: &str) -> Result<u32, Error> {
        self.producer.partition_count(topic)
    }

    /// Waits until every queued record is written or given up. Blocks.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        loop {
            self.producer.flush(deadline.saturating_duration_since(Instant::now()))?;
            let state = self.retries.state.lock();
            let left = state.records.len();
            // The sender holds the lock, and may have sent the last queued record after the flush.
            if left == 0 && self.producer.in_flight_count() == 0 {
                return Ok(());
            }
            drop(state);
            if Instant::now() >= deadline {
                return Err(Error::Unwritten(left));
            }
            std::thread::park_timeout(FLUSH_INTERVAL);
        }
    }
}

impl Drop for PersistentProducer {
    fn drop(&mut self) {
        self.retries.state.lock().is_closed = true;
        self.retries.changed.notify_all();
        if let Some(sender) = self.sender.take() {
            let _ = sender.join();
        }
    }
}

fn spawn_sender(
    name: &str,
    producer: &Arc<Producer>,
    retries: &Arc<RetryQueue>,
) -> Result<JoinHandle<()>, Error> {
    let (producer, retries) = (Arc::clone(producer), Arc::clone(retries));
    let thread = format!("{name}-again");
    std::thread::Builder::new()
        .name(thread.clone())
        .spawn(move || retries.send_all_again(&producer))
        .map_err(|error| Error::Thread(thread, error))
}

impl RetryQueue {
    /// Queues an unwritten record for another attempt, if an attempt may succeed before the deadline.
    fn on_delivery(&self, deadline_ms: u128, result: &DeliveryResult<'_>) {
        let Err((_, message)) = result else { return };
        let Delivery::Failed(code) = Delivery::of(result) else { return };
        let may_succeed = is_temporary(code) && self.now_ms() + PAUSE.as_millis() < deadline_ms;
        let is_queued = may_succeed && self.push(message, deadline_ms, code);
        (self.on_failure)(if is_queued { Redelivery::Again(code) } else { Redelivery::Lost(code) });
    }

    fn now_ms(&self) -> u128 {
        self.began.elapsed().as_millis()
    }

    fn push(&self, message: &BorrowedMessage<'_>, deadline_ms: u128, code: Code) -> bool {
        let mut state = self.state.lock();
        let bytes = size(message);
        if state.is_closed || state.bytes + bytes > self.limit_bytes {
            return false;
        }
        state.bytes += bytes;
        state.records.push_back(UnwrittenRecord { message: message.detach(), deadline_ms, code });
        drop(state);
        self.changed.notify_all();
        true
    }

    /// Sends queued records again, each after a pause, until the queue is closed.
    fn send_all_again(&self, producer: &Producer) {
        let mut state = self.state.lock();
        while !state.is_closed {
            if state.records.is_empty() {
                self.changed.wait(&mut state);
                continue;
            }
            // Records queued during the pause are sent in this round too.
            drop(state);
            std::thread::park_timeout(PAUSE);
            state = self.state.lock();
            // Sending keeps the lock: a flush must not see an empty queue too soon.
            while let Some(record) = state.records.pop_front() {
                if !self.resend(producer, &record) {
                    state.records.push_front(record);
                    break;
                }
                state.bytes -= size(&record.message);
            }
        }
    }

    /// Sends a record again, or reports it as lost. Returns false if the producer's queue is full.
    fn resend(&self, producer: &Producer, record: &UnwrittenRecord) -> bool {
        let lost = match producer.send_again(&record.message, record.deadline_ms) {
            Ok(()) => return true,
            Err(SendError::QueueFull) if self.now_ms() >= record.deadline_ms => record.code,
            Err(SendError::QueueFull) => return false,
            Err(SendError::TooLarge) => Code::MessageSizeTooLarge,
            Err(SendError::Refused(code)) => code,
        };
        (self.on_failure)(Redelivery::Lost(lost));
        true
    }
}

fn size(message: &impl rdkafka::Message) -> usize {
    message.key().map_or(0, <[u8]>::len) + message.payload().map_or(0, <[u8]>::len)
}

/// True if another attempt at the record may succeed.
fn is_temporary(code: Code) -> bool {
    !is_refusal(code) && !matches!(code, Code::PurgeQueue | Code::PurgeInflight)
}

#[cfg(test)]
mod tests;
