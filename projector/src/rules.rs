//! Rules by which an event becomes a row of the request log, or is rejected.

use std::time::Duration;

use abacus_schemas::{ComputeCompleted, ComputeRequested, RecordKeys};
use uuid::Uuid;

use crate::authorship::Authorship;
use crate::config::ProjectorConfig;
use crate::entry::{Content, Rejection, SkipReason};
use crate::row::{CompletedRow, Origin, RequestedRow};
use crate::size;

/// Rules for rows.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// Largest row, in bytes.
    max_row: u64,
    /// Largest distance of the recorded time of a request from its append time.
    tolerance: Duration,
    /// Keys of the signatures of requests.
    keys: Option<RecordKeys>,
}

impl Rules {
    pub(crate) fn new(config: &ProjectorConfig) -> Self {
        Self {
            max_row: config.max_row,
            tolerance: config.clock_tolerance,
            keys: config.record_keys.clone(),
        }
    }

    /// Returns the row of a request with this signature, or its rejection.
    pub(crate) fn requested(
        &self,
        event: ComputeRequested,
        origin: Origin,
        signature: Option<&[u8]>,
    ) -> Result<Content, uuid::Error> {
        let authorship = Authorship::of(&event, signature, self.keys.as_ref());
        let row = RequestedRow::new(event, origin, authorship, self.tolerance)?;
        Ok(match size::excess_of_request(&row, self.max_row) {
            None => Content::Requested(row),
            Some(size) => self.too_large(row.request_id, size),
        })
    }

    /// Returns the row of a completion with this digest in its headers, or its rejection.
    pub(crate) fn completed(
        &self,
        event: ComputeCompleted,
        origin: Origin,
        digest: Option<&[u8]>,
    ) -> Result<Content, uuid::Error> {
        let row = CompletedRow::new(event, origin, digest)?;
        Ok(match size::excess_of_completion(&row, self.max_row) {
            None => Content::Completed(row),
            Some(size) => self.too_large(row.request_id, size),
        })
    }

    fn too_large(&self, request_id: Uuid, size: u64) -> Content {
        let detail =
            format!("the row has {size} bytes, and ABACUS_MAX_ROW allows {}", self.max_row);
        Content::Rejected(Rejection { request_id, reason: SkipReason::TooLarge, detail, row: None })
    }
}
