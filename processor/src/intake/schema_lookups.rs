//! Records that wait for the schema they name, one look-up for all of a schema's.

use std::collections::HashMap;
use std::sync::Arc;

use abacus_schemas::SchemaId;
use parking_lot::Mutex;

use crate::dead_letter::OriginalRecord;
use crate::job::RecordContext;

/// A record whose schema is being looked up.
pub(crate) struct WaitingRecord {
    pub(crate) original: OriginalRecord,
    pub(crate) context: RecordContext,
}

/// The look-ups under way.
#[derive(Clone, Default)]
pub(crate) struct SchemaLookups(Arc<Mutex<HashMap<SchemaId, Vec<WaitingRecord>>>>);

impl SchemaLookups {
    /// Has a record wait. True for the first of its schema: the caller is to look it up.
    pub(crate) fn wait(&self, id: SchemaId, record: WaitingRecord) -> bool {
        let mut lookups = self.0.lock();
        let waiting = lookups.entry(id).or_default();
        waiting.push(record);
        waiting.len() == 1
    }

    /// Drops what is no longer ours to do: it is read again by whoever has the partition now. One
    /// place is kept, so that the look-up under way stays known.
    pub(crate) fn forget_stale(&self, id: SchemaId) {
        if let Some(waiting) = self.0.lock().get_mut(&id) {
            let mut is_first = true;
            waiting
                .retain(|record| std::mem::take(&mut is_first) || record.context.ack.is_current());
        }
    }

    /// The look-up is over.
    pub(crate) fn take(&self, id: SchemaId) -> Vec<WaitingRecord> {
        self.0.lock().remove(&id).unwrap_or_default()
    }
}
