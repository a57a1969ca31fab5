//! The records that a replay writes in one transaction.

use abacus_kafka::{OutboundRecord, Progress, TransactionWriter};

use crate::dead_letters::headers::DeadLetterId;

/// Number of records at which a batch is full.
const FULL_RECORDS: usize = 500;
/// Size of records at which a batch is full.
const FULL_BYTES: usize = 8 << 20;

#[derive(Default)]
pub(super) struct Batch {
    records: Vec<OutboundRecord>,
    ids: Vec<(DeadLetterId, String)>,
    bytes: usize,
}

impl Batch {
    pub(super) fn push(&mut self, id: DeadLetterId, class: String, record: OutboundRecord) {
        self.bytes += record.size();
        self.records.push(record);
        self.ids.push((id, class));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= FULL_RECORDS || self.bytes >= FULL_BYTES
    }

    /// Writes the batch in one transaction, leaving out records refused by Kafka. Returns the
    /// refused dead letters with class and reason.
    pub(super) fn write(
        &mut self,
        writer: &mut TransactionWriter,
        progress: &[Progress],
    ) -> anyhow::Result<Vec<(DeadLetterId, String, String)>> {
        let mut refused = Vec::new();
        while let Err(undone) = writer.write(&self.records, progress) {
            let Some(index) = undone.record.filter(|index| *index < self.records.len()) else {
                return Err(undone.into());
            };
            self.records.remove(index);
            let (id, class) = self.ids.remove(index);
            refused.push((id, class, format!("{:#}", anyhow::Error::from(undone))));
        }
        Ok(refused)
    }

    /// Empties the batch. Returns the classes of its dead letters.
    pub(super) fn drain_classes(&mut self) -> impl Iterator<Item = String> {
        self.records.clear();
        self.bytes = 0;
        std::mem::take(&mut self.ids).into_iter().map(|(_, class)| class)
    }
}
