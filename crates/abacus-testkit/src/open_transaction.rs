//! The transaction of a direct producer.

use rdkafka::producer::Producer as _;

use crate::direct_producer::DirectProducer;
use crate::record::{NewRecord, Position};
use crate::wait::BROKER_CALL;

/// A transaction with written records. Without an end by its producer, the broker aborts the
/// transaction after the producer's time limit.
pub struct OpenTransaction {
    producer: DirectProducer,
    positions: Vec<Position>,
}

impl OpenTransaction {
    pub(crate) fn begin<'a>(
        producer: DirectProducer,
        records: impl IntoIterator<Item = &'a NewRecord>,
    ) -> Self {
        producer.inner.init_transactions(BROKER_CALL).expect("a transactional producer");
        producer.inner.begin_transaction().expect("a transaction");
        let positions = producer.produce_all(records);
        Self { producer, positions }
    }

    /// Positions of the records.
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// Aborts the transaction.
    #[track_caller]
    pub fn abort(self) {
        self.producer.inner.abort_transaction(BROKER_CALL).expect("an aborted transaction");
    }
}
