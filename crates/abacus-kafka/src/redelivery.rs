//! A producer of records that are worth sending again for a while if they were not written.
//!
//! **Invariant:** each record that was taken is written or reported as lost, and what waits to be sent
//! again is bounded. A record may be written twice.

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

/// How long a record waits before it is sent again.
const PAUSE: Duration = Duration::from_millis(250);
/// How often a flush looks whether all is done.
const FLUSH_INTERVAL: Duration = Duration::from_millis(20);

/// What a record that was not written comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redelivery {
    /// It is sent again.
    Again(Code),
    /// It was given up, for the last reason.
    Lost(Code),
}

/// A producer that sends again what was not written, for as long as each record is worth it.
pub struct PersistentProducer {
    producer: Arc<Producer>,
    waiting: Arc<Waiting>,
    sender: Option<JoinHandle<()>>,
    began: Instant,
}

type OnFailure = Box<dyn Fn(Redelivery) + Send + Sync>;

/// Records that were not written.
struct Waiting {
    queue: Mutex<Queue>,
    changed: Condvar,
    limit_bytes: usize,
    on_failure: OnFailure,
    began: Instant,
}

#[derive(Default)]
struct Queue {
    records: VecDeque<Unwritten>,
    bytes: usize,
    is_closed: bool,
}

struct Unwritten {
    message: OwnedMessage,
    /// Its end, in milliseconds since the producer began.
    until: u128,
    code: Code,
}

impl PersistentProducer {
    /// Creates the producer. At most `limit_bytes` wait to be sent again. `on_failure` hears of each
    /// time that a record was not written, on the polling thread: it must be quick.
    pub fn connect(
        config: &KafkaConfig,
        settings: &ProducerSettings,
        limit_bytes: usize,
        on_failure: impl Fn(Redelivery) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let began = Instant::now();
        let waiting = Arc::new(Waiting {
            queue: Mutex::default(),
            changed: Condvar::new(),
            limit_bytes,
            on_failure: Box::new(on_failure),
            began,
        });
        let hearing = Arc::clone(&waiting);
        let producer = Producer::connect_hearing(config, settings, move |until, result| {
            hearing.hear(until, result);
        })?;
        let producer = Arc::new(producer);
        let sender = spawn_sender(&settings.name, &producer, &waiting)?;
        Ok(Self { producer, waiting, sender: Some(sender), began })
    }

    /// Hands a record over for sending, which is tried until it is written or `time` is over. On an
    /// error nothing was or will be written, and nothing is reported.
    pub fn send(&self, outgoing: &Outgoing<'_>, time: Duration) -> Result<(), SendError> {
        self.producer.send(outgoing, (self.began.elapsed() + time).as_millis())
    }

    /// How many partitions `topic` has. Blocks.
    pub fn partition_count(&self, topic: &str) -> Result<u32, Error> {
        self.producer.partition_count(topic)
    }

    /// Waits until everything handed over is written or given up. Blocks.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        loop {
            self.producer.flush(deadline.saturating_duration_since(Instant::now()))?;
            let left = self.waiting.queue.lock().records.len();
            if left == 0 {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Error::Unwritten(left));
            }
            std::thread::park_timeout(FLUSH_INTERVAL);
        }
    }
}

impl Drop for PersistentProducer {
    fn drop(&mut self) {
        self.waiting.queue.lock().is_closed = true;
        self.waiting.changed.notify_all();
        if let Some(sender) = self.sender.take() {
            let _ = sender.join();
        }
    }
}

fn spawn_sender(
    name: &str,
    producer: &Arc<Producer>,
    waiting: &Arc<Waiting>,
) -> Result<JoinHandle<()>, Error> {
    let (producer, waiting) = (Arc::clone(producer), Arc::clone(waiting));
    let thread = format!("{name}-again");
    std::thread::Builder::new()
        .name(thread.clone())
        .spawn(move || waiting.send_all_again(&producer))
        .map_err(|error| Error::Thread(thread, error))
}

impl Waiting {
    /// Takes what was not written, unless it never will be or nobody wants it any more.
    fn hear(&self, until: u128, result: &DeliveryResult<'_>) {
        let Err((_, message)) = result else { return };
        let Delivery::Failed(code) = Delivery::of(result) else { return };
        let is_worth_it = may_pass(code) && self.now() + PAUSE.as_millis() < until;
        let is_taken = is_worth_it && self.take(message, until, code);
        (self.on_failure)(if is_taken { Redelivery::Again(code) } else { Redelivery::Lost(code) });
    }

    fn now(&self) -> u128 {
        self.began.elapsed().as_millis()
    }

    fn take(&self, message: &BorrowedMessage<'_>, until: u128, code: Code) -> bool {
        let mut queue = self.queue.lock();
        let bytes = size(message);
        if queue.is_closed || queue.bytes + bytes > self.limit_bytes {
            return false;
        }
        queue.bytes += bytes;
        queue.records.push_back(Unwritten { message: message.detach(), until, code });
        drop(queue);
        self.changed.notify_all();
        true
    }

    /// Sends what waits, a while after it came, until it is closed.
    fn send_all_again(&self, producer: &Producer) {
        let mut queue = self.queue.lock();
        while !queue.is_closed {
            if queue.records.is_empty() {
                self.changed.wait(&mut queue);
                continue;
            }
            // What comes meanwhile goes with it.
            drop(queue);
            std::thread::park_timeout(PAUSE);
            queue = self.queue.lock();
            // With the lock, so that a flush does not find the queue empty too soon.
            while let Some(record) = queue.records.pop_front() {
                if !self.is_sent_again(producer, &record) {
                    queue.records.push_front(record);
                    break;
                }
                queue.bytes -= size(&record.message);
            }
        }
    }

    /// False if there is no room for it yet.
    fn is_sent_again(&self, producer: &Producer, record: &Unwritten) -> bool {
        let lost = match producer.send_again(&record.message, record.until) {
            Ok(()) => return true,
            Err(SendError::QueueFull) if self.now() >= record.until => record.code,
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

/// Whether the same record may be written at another time.
fn may_pass(code: Code) -> bool {
    !is_refusal(code) && !matches!(code, Code::PurgeQueue | Code::PurgeInflight)
}

#[cfg(test)]
mod tests;
