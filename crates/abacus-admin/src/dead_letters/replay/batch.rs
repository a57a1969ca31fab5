//! Records of one transaction.

use abacus_kafka::{OutboundRecord, Progress, TransactionWriter};

use crate::dead_letters::label::Place;

/// So many, or so many bytes, and they are written.
const FULL_RECORDS: usize = 500;
const FULL_BYTES: usize = 8 << 20;

#[derive(Default)]
pub(super) struct Batch {
    records: Vec<OutboundRecord>,
    letters: Vec<(Place, String)>,
    bytes: usize,
}

impl Batch {
    pub(super) fn push(&mut self, letter: Place, class: String, record: OutboundRecord) {
        self.bytes += record.size();
        self.records.push(record);
        self.letters.push((letter, class));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= FULL_RECORDS || self.bytes >= FULL_BYTES
    }

    /// Writes all but what Kafka refuses, which it gives back with the reason.
    pub(super) fn write(
        &mut self,
        writer: &TransactionWriter,
        progress: &[Progress],
    ) -> anyhow::Result<Vec<(Place, String, String)>> {
        let mut refused = Vec::new();
        while let Err(undone) = writer.write(&self.records, progress) {
            let Some(index) = undone.record.filter(|index| *index < self.records.len()) else {
                return Err(undone.into());
            };
            self.records.remove(index);
            let (letter, class) = self.letters.remove(index);
            refused.push((letter, class, format!("{:#}", anyhow::Error::from(undone))));
        }
        Ok(refused)
    }

    /// Empties it, and gives the classes of its letters.
    pub(super) fn drain_classes(&mut self) -> impl Iterator<Item = String> {
        self.records.clear();
        self.bytes = 0;
        std::mem::take(&mut self.letters).into_iter().map(|(_, class)| class)
    }
}
