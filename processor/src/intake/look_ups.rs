//! Records that wait for the schema they name, one look-up for all of a schema's.

use std::collections::HashMap;
use std::sync::Arc;

use abacus_schemas::SchemaId;
use parking_lot::Mutex;

use crate::dead_letter::Original;
use crate::job::Envelope;

/// A record whose schema is being looked up.
pub(crate) struct Waiting {
    pub(crate) original: Original,
    pub(crate) envelope: Envelope,
}

/// The look-ups under way.
#[derive(Clone, Default)]
pub(crate) struct LookUps(Arc<Mutex<HashMap<SchemaId, Vec<Waiting>>>>);

impl LookUps {
    /// Has a record wait. True for the first of its schema: the caller is to look it up.
    pub(crate) fn wait(&self, id: SchemaId, record: Waiting) -> bool {
        let mut look_ups = self.0.lock();
        let waiting = look_ups.entry(id).or_default();
        waiting.push(record);
        waiting.len() == 1
    }

    /// Drops what is no longer ours to do: it is read again by whoever has the partition now. One
    /// place is kept, so that the look-up under way stays known.
    pub(crate) fn forget_stale(&self, id: SchemaId) {
        if let Some(waiting) = self.0.lock().get_mut(&id) {
            let mut is_first = true;
            waiting.retain(|record| {
                std::mem::take(&mut is_first) || record.envelope.ticket.is_current()
            });
        }
    }

    /// The look-up is over.
    pub(crate) fn take(&self, id: SchemaId) -> Vec<Waiting> {
        self.0.lock().remove(&id).unwrap_or_default()
    }
}
