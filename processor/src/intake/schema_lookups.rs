//! Records waiting for their schema, with a single lookup for each schema.

use std::collections::HashMap;
use std::sync::Arc;

use abacus_schemas::SchemaId;
use parking_lot::Mutex;

use crate::dead_letter::OriginalRecord;
use crate::job::RecordContext;

/// A record waiting for its schema.
pub(crate) struct WaitingRecord {
    pub(crate) original: OriginalRecord,
    pub(crate) context: RecordContext,
}

/// Lookups in flight, by schema.
#[derive(Clone, Default)]
pub(crate) struct SchemaLookups(Arc<Mutex<HashMap<SchemaId, Vec<WaitingRecord>>>>);

impl SchemaLookups {
    /// Adds a waiting record. Returns true for the first record of a schema: the caller must then look
    /// the schema up.
    pub(crate) fn add(&self, id: SchemaId, record: WaitingRecord) -> bool {
        let mut lookups = self.0.lock();
        let waiting = lookups.entry(id).or_default();
        waiting.push(record);
        waiting.len() == 1
    }

    /// Drops records of revoked partitions: the new owner reads them again. The first record is kept
    /// to mark the lookup as in flight.
    pub(crate) fn drop_stale(&self, id: SchemaId) {
        if let Some(waiting) = self.0.lock().get_mut(&id) {
            let mut is_first = true;
            waiting
                .retain(|record| std::mem::take(&mut is_first) || record.context.ack.is_current());
        }
    }

    /// Ends a lookup. Returns the waiting records.
    pub(crate) fn take(&self, id: SchemaId) -> Vec<WaitingRecord> {
        self.0.lock().remove(&id).unwrap_or_default()
    }
}
