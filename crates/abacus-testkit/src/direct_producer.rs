//! A producer outside Abacus.

use std::sync::mpsc::{Receiver, Sender, channel};

use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use crate::record::{NewRecord, Position};
use crate::wait::BROKER_CALL;
use crate::wild_record::WildRecord;

/// A producer that shares no code with the services.
pub struct DirectProducer {
    pub(crate) inner: ThreadedProducer<DeliveryReports>,
}

/// A record sent and not yet confirmed.
pub struct PendingDelivery {
    report: Receiver<Result<Position, KafkaError>>,
    outcome: Option<Result<Position, KafkaError>>,
}

impl PendingDelivery {
    /// Waits until the record is written. Returns its position.
    #[track_caller]
    pub fn written(self) -> Position {
        self.outcome().expect("a delivery")
    }

    /// Returns whether the outcome is known. Call this before [`PendingDelivery::outcome`].
    pub fn is_over(&mut self) -> bool {
        if self.outcome.is_none() {
            self.outcome = self.report.try_recv().ok();
        }
        self.outcome.is_some()
    }

    /// Waits for the outcome.
    #[track_caller]
    pub fn outcome(self) -> Result<Position, KafkaError> {
        self.outcome.unwrap_or_else(|| self.report.recv().expect("a report of delivery"))
    }
}

impl DirectProducer {
    pub(crate) fn new(inner: ThreadedProducer<DeliveryReports>) -> Self {
        Self { inner }
    }

    /// Sends a record.
    #[track_caller]
    pub fn send(&self, record: &NewRecord) -> PendingDelivery {
        self.try_send(record).expect("a record is taken")
    }

    pub(crate) fn try_send(&self, record: &NewRecord) -> Result<PendingDelivery, KafkaError> {
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
        self.inner.send(message).map_err(|(error, _)| error)?;
        Ok(PendingDelivery { report: reported, outcome: None })
    }

    /// Sends a record that may lack a key, a value or the value of a header. Returns an error if the
    /// client refuses the record.
    pub fn send_wild(&self, record: &WildRecord) -> Result<PendingDelivery, KafkaError> {
        let (report, reported) = channel();
        let headers = record.headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
            all.insert(Header { key, value: value.as_deref() })
        });
        let mut message =
            BaseRecord::<[u8], [u8], _>::with_opaque_to(&record.topic, Box::new(report))
                .partition(record.partition)
                .headers(headers);
        message.key = record.key.as_deref();
        message.payload = record.payload.as_deref();
        message.timestamp = record.timestamp;
        self.inner.send(message).map_err(|(error, _)| error)?;
        Ok(PendingDelivery { report: reported, outcome: None })
    }

    /// Sends a record and waits until it is written.
    #[track_caller]
    pub fn produce(&self, record: &NewRecord) -> Position {
        self.send(record).written()
    }

    /// Sends all records, then waits until they are written.
    #[track_caller]
    pub fn produce_all<'a>(
        &self,
        records: impl IntoIterator<Item = &'a NewRecord>,
    ) -> Vec<Position> {
        let sent: Vec<PendingDelivery> =
            records.into_iter().map(|record| self.send(record)).collect();
        self.inner.flush(BROKER_CALL).expect("records are written");
        sent.into_iter().map(PendingDelivery::written).collect()
    }
}

/// Passes each delivery report to the sender of the record.
pub(crate) struct DeliveryReports;

impl ClientContext for DeliveryReports {}

impl ProducerContext for DeliveryReports {
    type DeliveryOpaque = Box<Sender<Result<Position, KafkaError>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, report: Self::DeliveryOpaque) {
        let position = match result {
            Ok(message) => {
                Ok(Position { partition: message.partition(), offset: message.offset() })
            }
            Err((error, _)) => Err(error.clone()),
        };
        let _ = report.send(position);
    }
}
