//! Writes generated records, and notes their positions.

use std::collections::{BTreeMap, HashMap, VecDeque};

use abacus_check::Question;
use abacus_testkit::{DirectProducer, PendingDelivery, Position, Record, System};

use crate::evidence::{Fate, Written};
use crate::kind::Kind;
use crate::shot::{Content, Expected, Form, Shot, Target};

/// Most records, and most bytes, without a delivery report.
const WINDOW: usize = 300;
const WINDOW_BYTES: usize = 32 << 20;

/// Writes records one after another.
pub(crate) struct Sender<'a> {
    system: &'a System,
    producers: HashMap<&'static str, DirectProducer>,
    pending: VecDeque<Pending>,
    pending_bytes: usize,
    pub(crate) written: Vec<Written>,
    pub(crate) refused: BTreeMap<Kind, u64>,
    /// The questions of honest callers whose records are written.
    pub(crate) questions: Vec<(u64, Question)>,
}

/// A record without a delivery report.
struct Pending {
    shot: Sent,
    bytes: usize,
    delivery: PendingDelivery,
}

/// A record without its content.
struct Sent {
    number: u64,
    kind: Kind,
    target: Target,
    partition: i32,
    expected: Vec<Expected>,
    question: Option<Question>,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(system: &'a System) -> Self {
        Self {
            system,
            producers: HashMap::new(),
            pending: VecDeque::new(),
            pending_bytes: 0,
            written: Vec::new(),
            refused: BTreeMap::new(),
            questions: Vec::new(),
        }
    }

    /// Writes a record. Waits for earlier records while the window is full.
    pub(crate) fn send(&mut self, shot: Shot) {
        while self.pending.len() >= WINDOW || self.pending_bytes > WINDOW_BYTES {
            self.settle_oldest();
        }
        let Shot { number, kind, target, partition, form, expected, question } = shot;
        let sent = Sent { number, kind, target, partition, expected, question };
        match form {
            Form::Record(codec, record) => {
                let bytes = record.payload.as_ref().map_or(0, Vec::len);
                let kafka = &self.system.kafka;
                let producer = self
                    .producers
                    .entry(codec)
                    .or_insert_with(|| kafka.producer_with_compression(codec));
                match producer.send_wild(&record) {
                    Ok(delivery) => {
                        self.pending_bytes += bytes;
                        self.pending.push_back(Pending { shot: sent, bytes, delivery });
                    }
                    Err(_) => self.settle(sent, None),
                }
            }
            Form::Batch(batch) => {
                let topic = target.topic(&self.system.topics);
                let written = batch.produce(&self.system.stack.kafka, topic, partition).ok();
                self.settle(sent, written);
            }
        }
    }

    /// Waits for all delivery reports.
    pub(crate) fn flush(&mut self) {
        while !self.pending.is_empty() {
            self.settle_oldest();
        }
    }

    fn settle_oldest(&mut self) {
        let Some(Pending { shot, bytes, delivery }) = self.pending.pop_front() else { return };
        self.pending_bytes -= bytes;
        let written = delivery.outcome().ok().map(|position| position.offset);
        self.settle(shot, written);
    }

    /// Notes the offset of the first record, or a refusal.
    fn settle(&mut self, sent: Sent, first: Option<i64>) {
        let Some(first) = first else {
            *self.refused.entry(sent.kind).or_default() += 1;
            return;
        };
        let Sent { number, kind, target, partition, expected, question } = sent;
        self.questions.extend(question.map(|question| (number, question)));
        for (offset, expected) in (first..).zip(expected) {
            let position = Position { partition, offset };
            let fate = self.fate(expected, position);
            self.written.push(Written { number, kind, target, position, fate });
        }
    }

    /// Decides about a record that may be readable by reading the record.
    fn fate(&self, expected: Expected, position: Position) -> Fate {
        match expected {
            Expected::Completed(content) => Fate::Completed(content),
            Expected::Answered => Fate::Answered,
            Expected::DeadLetter => Fate::DeadLetter,
            Expected::Ignored => Fate::Ignored,
            Expected::Either(payload) => {
                let (key, headers) = (Vec::new(), Vec::new());
                let request =
                    self.system.events.requested(&Record { position, key, payload, headers });
                let content = request.as_ref().and_then(Content::of);
                content.map_or(Fate::DeadLetter, Fate::Either)
            }
        }
    }
}
