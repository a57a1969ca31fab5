//! Writing records as somebody from outside does.

use std::sync::mpsc::{Receiver, Sender, channel};

use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use crate::record::{NewRecord, Place};
use crate::wait::BROKER_CALL;

/// A producer that is not one of ours.
pub struct DirectProducer {
    inner: ThreadedProducer<Deliveries>,
}

/// A record on its way.
pub struct Sending {
    report: Receiver<Result<Place, KafkaError>>,
    outcome: Option<Result<Place, KafkaError>>,
}

impl Sending {
    /// Waits until it is written.
    #[track_caller]
    pub fn written(self) -> Place {
        self.outcome().expect("a delivery")
    }

    /// Whether it is written, or known not to be; to be asked before [`Sending::outcome`].
    pub fn is_over(&mut self) -> bool {
        if self.outcome.is_none() {
            self.outcome = self.report.try_recv().ok();
        }
        self.outcome.is_some()
    }

    /// Waits until it is written, or known not to be.
    #[track_caller]
    pub fn outcome(self) -> Result<Place, KafkaError> {
        self.outcome.unwrap_or_else(|| self.report.recv().expect("a report of delivery"))
    }
}

impl DirectProducer {
    pub(crate) fn new(inner: ThreadedProducer<Deliveries>) -> Self {
        Self { inner }
    }

    pub(crate) fn produce_and_abort<'a>(&self, records: impl IntoIterator<Item = &'a NewRecord>) {
        self.inner.init_transactions(BROKER_CALL).expect("a transactional producer");
        self.inner.begin_transaction().expect("a transaction");
        self.produce_all(records);
        self.inner.abort_transaction(BROKER_CALL).expect("an aborted transaction");
    }

    /// Sends a record.
    #[track_caller]
    pub fn send(&self, record: &NewRecord) -> Sending {
        let (report, reported) = channel();
        let headers = record.headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
            all.insert(Header { key, value: Some(value.as_slice()) })
        });
        let mut message = BaseRecord::with_opaque_to(&record.topic, Box::new(report))
            .key(record.key.as_slice())
            .payload(record.payload.as_slice())
            .headers(headers);
        if let Some(partition) = record.partition {
            message = message.partition(partition);
        }
        self.inner.send(message).map_err(|(error, _)| error).expect("a record is taken");
        Sending { report: reported, outcome: None }
    }

    /// Writes a record.
    #[track_caller]
    pub fn produce(&self, record: &NewRecord) -> Place {
        self.send(record).written()
    }

    /// Writes records, all at once.
    #[track_caller]
    pub fn produce_all<'a>(&self, records: impl IntoIterator<Item = &'a NewRecord>) -> Vec<Place> {
        let sent: Vec<Sending> = records.into_iter().map(|record| self.send(record)).collect();
        self.inner.flush(BROKER_CALL).expect("records are written");
        sent.into_iter().map(Sending::written).collect()
    }
}

/// Hands each delivery report to whoever sent the record.
pub(crate) struct Deliveries;

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Sender<Result<Place, KafkaError>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, report: Self::DeliveryOpaque) {
        let place = match result {
            Ok(message) => Ok(Place { partition: message.partition(), offset: message.offset() }),
            Err((error, _)) => Err(error.clone()),
        };
        let _ = report.send(place);
    }
}
